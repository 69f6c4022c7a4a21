//! A document: its source and its text.

mod blocks;
mod decoding;
mod fetching;
mod formats;
mod html;
mod markdown;
mod plain_text;
mod reading;
mod sources;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

pub use fetching::fetch;
pub use formats::Format;
pub use reading::read;
pub use sources::Source;

/// A document's text without markup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// The source of the document.
    pub source: Source,
    /// The title of the document, or the name of its source.
    pub title: String,
    /// The format of the document.
    pub format: Format,
    /// The paragraphs, headings and list items, separated by blank lines.
    pub text: String,
    /// Whether the text was cut at the maximum length.
    pub truncated: bool,
}

/// The content of a file or a response, as bytes.
#[derive(Debug)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub format: Format,
}

/// The text that was extracted from one format.
#[derive(Debug, Default, PartialEq)]
struct Extracted {
    title: Option<String>,
    blocks: Vec<String>,
}

impl Document {
    /// Extracts the text of `content` and keeps at most `max_length` characters.
    ///
    /// # Errors
    /// Permanent: the content is empty, binary, not UTF-8, or markup without text.
    pub fn from_content(source: Source, content: &Content, max_length: usize) -> StageResult<Self> {
        let written = decoding::decode(&content.bytes)?;
        let extracted = match content.format {
            Format::PlainText => plain_text::extract(written),
            Format::Markdown => markdown::extract(written)?,
            Format::Html => html::extract(written)?,
        };
        let text = extracted.blocks.join("\n\n");
        if !text.contains(char::is_alphanumeric) {
            return Err(StageError::permanent("the document contains no text"));
        }
        let title = extracted.title.unwrap_or_else(|| source.name());
        let kept = blocks::first_characters(&text, max_length);
        let truncated = kept.len() < text.len();
        Ok(Self { source, title, format: content.format, text: kept.to_owned(), truncated })
    }
}

#[cfg(test)]
mod fetching_tests;
