//! Extracts the blocks of a text without markup.

use super::{Extracted, blocks};

/// The maximum length of a title; a longer first line is the beginning of a paragraph.
const LONGEST_TITLE: usize = 80;

/// Splits the text into paragraphs at blank lines; a separate first line is the title.
pub fn extract(text: &str) -> Extracted {
    let mut found = Vec::new();
    let mut paragraph = String::new();
    for line in text.lines() {
        if line.trim().is_empty() || begins_list_item(line) {
            found.extend(blocks::tidy(&paragraph));
            paragraph.clear();
        }
        // Manually wrapped lines belong to one sentence.
        paragraph.push_str(line);
        paragraph.push('\n');
    }
    found.extend(blocks::tidy(&paragraph));
    let title = found.first().filter(|block| found.len() > 1 && is_title(block)).cloned();
    Extracted { title, blocks: found }
}

fn begins_list_item(line: &str) -> bool {
    ["- ", "* ", "• "].iter().any(|bullet| line.trim_start().starts_with(bullet))
}

fn is_title(block: &str) -> bool {
    block.chars().count() <= LONGEST_TITLE && !block.ends_with(['.', ',', ';', ':', '。'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapped_lines_are_joined_and_list_items_are_not() {
        let extracted = extract("The list\n\nA sentence that\ngoes on.\n- milk\n- bread\n  and butter\n");
        assert_eq!(extracted.title.as_deref(), Some("The list"));
        assert_eq!(
            extracted.blocks,
            ["The list", "A sentence that goes on.", "- milk", "- bread and butter"]
        );
    }

    #[test]
    fn a_sentence_is_not_a_title() {
        assert_eq!(extract("It was late.\n\nNobody came.").title, None);
        assert_eq!(extract("only one line").title, None);
    }
}
