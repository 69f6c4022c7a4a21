//! The escape of U+0000, which PostgreSQL's text cannot hold.

use std::borrow::Cow;

/// PostgreSQL's text holds every character except U+0000. It is stored as this character (SUBSTITUTE) followed by `0`,
/// and this character itself is stored twice. Neither occurs in ordinary text, so people find what they search for in
/// the tables.
const ESCAPE: char = '\u{1a}';
const ESCAPE_BYTE: u8 = 0x1a;

/// Returns a text in its stored form.
pub(super) fn stored(text: &str) -> Cow<'_, str> {
    if memchr::memchr2(0, ESCAPE_BYTE, text.as_bytes()).is_none() {
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

/// Returns the text of a stored form.
pub(super) fn original(stored: String) -> String {
    if memchr::memchr(ESCAPE_BYTE, stored.as_bytes()).is_none() {
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
    fn every_text_is_restored_and_no_two_have_the_same_stored_form() {
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
