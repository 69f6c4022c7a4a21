//! The report: what is known about a document in the end, and the files that hold it.

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
    /// Where it was read from.
    pub source: Source,
    /// The language it is written in.
    pub language: Language,
    /// How many words it has.
    pub words: usize,
    /// Whether only the beginning of the document was looked at.
    pub truncated: bool,
    /// The terms that say most about it, the best first.
    pub keywords: Vec<Keyword>,
    /// Its most telling sentences, in their order.
    pub summary: Vec<String>,
    /// Where this report is kept.
    pub files: ReportFiles,
}

/// The two files of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportFiles {
    /// For programs.
    pub json: PathBuf,
    /// For readers.
    pub markdown: PathBuf,
}

impl Report {
    /// Joins what the stages found out.
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

/// For a terminal, without colours: a report may be piped into a file.
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
