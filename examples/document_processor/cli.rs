//! The command line.

use std::io;
use std::path::{self, PathBuf};

use clap::Parser;

use crate::documents::Source;

/// Extracts the text of documents, ranks their keywords, detects their language, summarizes them and writes reports.
///
/// Every step is stored in a database. If the program is killed, start it again: it first finishes the unfinished
/// documents, and does not repeat completed steps.
#[derive(Debug, Parser)]
#[command(name = "document_processor", version)]
pub struct Arguments {
    /// Files (.txt, .md, .html, or any other UTF-8 text) and http or https URLs. Without documents, the program only
    /// finishes unfinished ones.
    #[arg(value_name = "path or URL")]
    documents: Vec<String>,

    /// The database: a file, a `sqlite://` URL, or `memory:` to store nothing.
    #[arg(long, value_name = "path or URL", default_value = "workflows.db")]
    pub db: String,

    /// The folder for the reports.
    #[arg(long, value_name = "folder", default_value = "reports")]
    out: PathBuf,
}

/// A requested document and its name in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The location of the document.
    pub source: Source,
    /// The argument on the command line.
    pub label: String,
}

impl Arguments {
    /// Returns the documents in the order of the arguments, each once.
    ///
    /// # Errors
    /// When an argument is empty, or the current folder does not exist.
    pub fn requests(&self) -> io::Result<Vec<Request>> {
        let mut requests: Vec<Request> = Vec::new();
        for label in &self.documents {
            let source = Source::from_argument(label)?;
            if requests.iter().all(|earlier| earlier.source != source) {
                requests.push(Request { source, label: label.clone() });
            }
        }
        Ok(requests)
    }

    /// Returns the absolute path of the folder for reports: another program may finish a run from another folder.
    ///
    /// # Errors
    /// When it is empty, or the current folder does not exist.
    pub fn folder(&self) -> io::Result<PathBuf> {
        path::absolute(&self.out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_readme() {
        let arguments = Arguments::try_parse_from(["document_processor"]).unwrap();
        assert_eq!(arguments.db, "workflows.db");
        assert!(arguments.folder().unwrap().ends_with("reports"));
        assert!(arguments.requests().unwrap().is_empty());
    }

    #[test]
    fn a_duplicate_argument_is_requested_once() {
        let arguments = Arguments::try_parse_from(["document_processor", "a.md", "b.md", "./a.md"]).unwrap();
        let labels: Vec<String> =
            arguments.requests().unwrap().into_iter().map(|request| request.label).collect();
        assert_eq!(labels, ["a.md", "b.md"]);
    }
}
