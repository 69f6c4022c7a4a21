//! Blocks: the paragraphs, headings and list items of a document, independent of its format.

/// Returns the text as one line without control characters and with single spaces; `None` if nothing remains.
///
/// Removes control characters because the text may be printed on a terminal.
pub fn tidy(text: &str) -> Option<String> {
    let printable: String =
        text.chars().map(|c| if c.is_control() || c == '\u{feff}' { ' ' } else { c }).collect();
    let tidied = printable.split_whitespace().collect::<Vec<_>>().join(" ");
    (!tidied.is_empty()).then_some(tidied)
}

/// Returns the first `max_length` characters of `text`, without the word that the limit would split.
pub fn first_characters(text: &str, max_length: usize) -> &str {
    let Some((limit, next)) = text.char_indices().nth(max_length) else {
        return text;
    };
    let kept = &text[..limit];
    if next.is_whitespace() {
        return kept.trim_end();
    }
    // A text without spaces is cut at the limit.
    kept.rfind(char::is_whitespace).map_or(kept, |space| kept[..space].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_extra_spaces_are_removed() {
        assert_eq!(tidy(" one\n\ttwo\u{1b}[31m three ").as_deref(), Some("one two [31m three"));
        assert_eq!(tidy(" \n "), None);
    }

    #[test]
    fn a_cut_keeps_whole_words() {
        assert_eq!(first_characters("one two three", 9), "one two");
        assert_eq!(first_characters("one two three", 7), "one two");
        assert_eq!(first_characters("one two", 7), "one two");
        assert_eq!(first_characters("äöüß", 2), "äö");
    }
}
