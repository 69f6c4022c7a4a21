//! The report about a document, and its files.

mod files;
mod markdown;

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::analysis::{Keyword, Keywords, Language, Summary};
use crate::documents::{Document, Source};

pub use files::write;

/// The output of the workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The document's title.
    pub title: String,
    /// The source of the document.
    pub source: Source,
    /// The language of the document.
    pub language: Language,
    /// The number of words.
    pub words: usize,
    /// Whether the report covers only the beginning of the document.
    pub truncated: bool,
    /// The most significant terms, in descending order.
    pub keywords: Vec<Keyword>,
    /// The most significant sentences, in the order of the text.
    pub summary: Vec<String>,
    /// The files of this report.
    pub files: ReportFiles,
}

/// The two files of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportFiles {
    /// The JSON file, for programs.
    pub json: PathBuf,
    /// The Markdown file, for readers.
    pub markdown: PathBuf,
}

impl Report {
    /// Joins the results of the stages.
    pub fn new(
        document: Document,
        keywords: Keywords,
        language: Language,
        summary: Summary,
        files: ReportFiles,
    ) -> Self {
        Self {
            title: document.title,
            source: document.source,
            language,
            words: keywords.words,
            truncated: document.truncated,
            keywords: keywords.ranked,
            summary: summary.sentences,
            files,
        }
    }
}

/// Formats the report for a terminal. Without colours, because the output may be piped into a file.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut = if self.truncated { " (only the beginning of a longer document)" } else { "" };
        let keywords: Vec<String> =
            self.keywords.iter().map(|keyword| format!("{} ({})", keyword.term, keyword.count)).collect();
        writeln!(f, "{}", self.title)?;
        writeln!(f, "  source    {}", self.source)?;
        writeln!(f, "  language  {} ({:.0} % sure)", self.language.name, self.language.confidence * 100.0)?;
        writeln!(f, "  words     {}{cut}", self.words)?;
        writeln!(f, "  keywords  {}", keywords.join(", "))?;
        for (index, sentence) in self.summary.iter().enumerate() {
            let heading = if index == 0 { "summary" } else { "" };
            writeln!(f, "  {heading:<8}  {sentence}")?;
        }
        writeln!(f, "  files     {}", self.files.markdown.display())?;
        write!(f, "            {}", self.files.json.display())
    }
}

#[cfg(test)]
mod tests;
