//! Extracts the blocks of a Markdown document.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use workflow_engine::prelude::*;

use super::{Extracted, blocks, html};

/// Returns the text of every block; the first heading of the first level is the title.
///
/// # Errors
/// When HTML inside the document cannot be read.
pub fn extract(markdown: &str) -> StageResult<Extracted> {
    let mut extracted = Extracted::default();
    let mut block = String::new();
    let mut embedded_html = String::new();
    let mut in_prose = true;
    for event in Parser::new_ext(markdown, options()) {
        match event {
            // Code is skipped: its words would displace those of the text.
            Event::Start(Tag::MetadataBlock(_) | Tag::CodeBlock(_)) => {
                finish(&mut block, &mut extracted.blocks);
                in_prose = false;
            }
            Event::End(TagEnd::MetadataBlock(_) | TagEnd::CodeBlock) => in_prose = true,
            Event::Text(_) if !in_prose => {}
            Event::Text(text) | Event::Code(text) => block.push_str(&text),
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::TableCell) => block.push(' '),
            Event::Html(markup) => embedded_html.push_str(&markup),
            Event::End(TagEnd::HtmlBlock) => {
                extracted.blocks.append(&mut html::extract(&embedded_html)?.blocks);
                embedded_html.clear();
            }
            // A list item may contain paragraphs and lists, so a block also ends where the next one begins.
            Event::Start(tag) if !is_inline(&tag) => finish(&mut block, &mut extracted.blocks),
            Event::End(TagEnd::Heading(HeadingLevel::H1)) => {
                extracted.title = extracted.title.or_else(|| blocks::tidy(&block));
                finish(&mut block, &mut extracted.blocks);
            }
            Event::End(tag) if !ends_inline(tag) => finish(&mut block, &mut extracted.blocks),
            _ => {}
        }
    }
    finish(&mut block, &mut extracted.blocks);
    Ok(extracted)
}

/// Common extensions of `CommonMark`, whose markup would otherwise be treated as text.
fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS
}

fn finish(block: &mut String, blocks: &mut Vec<String>) {
    blocks.extend(blocks::tidy(block));
    block.clear();
}

fn is_inline(tag: &Tag<'_>) -> bool {
    ends_inline(tag.to_end()) || matches!(tag, Tag::TableCell)
}

fn ends_inline(tag: TagEnd) -> bool {
    matches!(tag, TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_removed_and_blocks_stay_separate() {
        let markdown = "---\nauthor: ada\n---\n# The *harbour*\n\nA [quiet](https://example.org) place\nby `night`.\n\n\
                        - boats\n- nets\n  - old ones\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n\
                        ```rust\nlet x = 1;\n```\n";
        let extracted = extract(markdown).unwrap();
        assert_eq!(extracted.title.as_deref(), Some("The harbour"));
        assert_eq!(
            extracted.blocks,
            ["The harbour", "A quiet place by night.", "boats", "nets", "old ones", "a b", "1 2"]
        );
    }

    #[test]
    fn embedded_html_is_read() {
        let extracted = extract("<p align=\"center\">Hello <b>you</b></p>\n\nText.\n").unwrap();
        assert_eq!(extracted.blocks, ["Hello you", "Text."]);
    }
}
