//! Blocks: the paragraphs, headings and list items that every format is reduced to.

/// One line without control characters, and with single spaces; `None` where nothing is left.
///
/// Control characters go because the text ends up on somebody's terminal.
pub fn tidy(text: &str) -> Option<String> {
    let printable: String =
        text.chars().map(|c| if c.is_control() || c == '\u{feff}' { ' ' } else { c }).collect();
    let tidied = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    (!tidied.is_empty()).then_some(tidied)
}

/// The first `max_length` characters of `text`, without the word that the limit cuts in two.
pub fn first_characters(text: &str, max_length: usize) -> &str {
    let Some((limit, next)) = text.char_indices().nth(max_length) else {
        return text;
    };
    let kept = &text[..limit];
    if next.is_whitespace() {
        return kept.trim_end();
    }
    // A text without spaces is cut where the limit falls.
    kept.rfind(char::is_whitespace).map_or(kept, |space| kept[..space].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_extra_blanks_go() {
        assert_eq!(tidy(" one\n\ttwo\u{1b}[31m three ").as_deref(), Some("one two [31m three"));
        assert_eq!(tidy(" \n "), None);
    }

    #[test]
    fn a_cut_leaves_whole_words() {
        assert_eq!(first_characters("one two three", 9), "one two");
        assert_eq!(first_characters("one two three", 7), "one two");
        assert_eq!(first_characters("one two", 7), "one two");
        assert_eq!(first_characters("äöüß", 2), "äö");
    }
}
