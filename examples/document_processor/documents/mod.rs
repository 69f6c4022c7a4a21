//! A document: where it comes from, and the text that it holds.

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

/// A document's text, free of markup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// Where it was read from.
    pub source: Source,
    /// Its own title, or the name of its source.
    pub title: String,
    /// How it was written.
    pub format: Format,
    /// Its paragraphs, headings and list items, with a blank line between them.
    pub text: String,
    /// Whether the text was cut at the longest length that was asked for.
    pub truncated: bool,
}

/// What a file or a server handed over, before anybody looked into it.
#[derive(Debug)]
pub struct Content {
    pub bytes: Vec<u8>,
    pub format: Format,
}

/// What the reader of one format found.
#[derive(Debug, Default, PartialEq)]
struct Extracted {
    title: Option<String>,
    blocks: Vec<String>,
}

impl Document {
    /// Reads the text out of `content` and keeps at most `max_length` characters of it.
    ///
    /// # Errors
    /// Permanent ones: the content is empty, binary, not UTF-8, or markup without text.
    pub fn from_content(source: Source, content: &Content, max_length: usize) -> StageResult<Self> {
        let written = decoding::decode(&content.bytes)?;
        let extracted = match content.format {
            Format::PlainText => plain_text::extract(written),
            Format::Markdown => markdown::extract(written)?,
            Format::Html => html::extract(written)?,
        };
        let text = extracted.blocks.join("\n\n");
        if !text.contains(char::is_alphanumeric) {
            return Err(StageError::permanent("there is no text in the document"));
        }
        let title = extracted.title.unwrap_or_else(|| source.name());
        let kept = blocks::first_characters(&text, max_length);
        let truncated = kept.len() < text.len();
        Ok(Self { source, title, format: content.format, text: kept.to_owned(), truncated })
    }
}

#[cfg(test)]
mod fetching_tests;
