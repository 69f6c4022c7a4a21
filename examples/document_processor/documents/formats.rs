//! The supported formats of documents, and their detection.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The format of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Text without markup.
    PlainText,
    /// `CommonMark`.
    Markdown,
    /// HTML or XHTML.
    Html,
}

impl Format {
    /// Returns the format of a file extension; `None` if it is unknown.
    pub fn from_extension(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "txt" | "text" => Some(Self::PlainText),
            "md" | "markdown" => Some(Self::Markdown),
            "html" | "htm" | "xhtml" => Some(Self::Html),
            _ => None,
        }
    }

    /// Returns the format of an HTTP `Content-Type`; `None` if it is not supported text.
    pub fn from_content_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match essence.as_str() {
            "text/html" | "application/xhtml+xml" => Some(Self::Html),
            "text/markdown" | "text/x-markdown" => Some(Self::Markdown),
            "text/plain" => Some(Self::PlainText),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_case_insensitive() {
        assert_eq!(Format::from_extension(Path::new("a/PAGE.HTM")), Some(Format::Html));
        assert_eq!(Format::from_extension(Path::new("readme.markdown")), Some(Format::Markdown));
        assert_eq!(Format::from_extension(Path::new("LICENSE")), None);
    }

    #[test]
    fn the_parameters_of_a_content_type_are_ignored() {
        assert_eq!(Format::from_content_type("Text/HTML; charset=utf-8"), Some(Format::Html));
        assert_eq!(Format::from_content_type("application/pdf"), None);
    }
}
