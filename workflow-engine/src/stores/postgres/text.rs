//! Texts as PostgreSQL can hold them.

use std::borrow::Cow;

/// PostgreSQL's text holds every character but U+0000. It is written as this one (SUBSTITUTE) followed by `0`; this
/// one itself is written twice. Neither occurs in ordinary text, so what people look for is found.
const ESCAPE: char = '\u{1a}';

/// A text as it is stored.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|byte| byte == 0 || byte == 0x1a) {
        return Cow::Borrowed(text);
    }
    let mut stored = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\0' => stored.extend([ESCAPE, '0']),
            ESCAPE => stored.extend([ESCAPE, ESCAPE]),
            other => stored.push(other),
        }
    }
    Cow::Owned(stored)
}

/// A stored text as it was given.
pub(super) fn original(stored: String) -> String {
    if !stored.bytes().any(|byte| byte == 0x1a) {
        return stored;
    }
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        match character {
            ESCAPE => text.push(if characters.next() == Some(ESCAPE) { ESCAPE } else { '\0' }),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_and_no_two_are_stored_alike() {
        let texts =
            ["", "plain", "\0", "\0\0", "\u{1a}", "\u{1a}0", "\0\u{1a}", "\u{1a}\u{1a}0\0", "größe\0🦀", "0"];
        let mut all = std::collections::HashSet::new();
        for text in texts {
            let stored = stored(text).into_owned();
            assert!(!stored.contains('\0'));
            assert_eq!(original(stored.clone()), text);
            assert!(all.insert(stored));
        }
    }
}
