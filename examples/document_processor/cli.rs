//! The command line.

use std::io;
use std::path::{self, PathBuf};

use clap::Parser;

use crate::documents::Source;

/// Extracts the text of documents, ranks their keywords, finds out their language, sums them up and writes a report.
///
/// Every step is kept in a database. A program that was killed is simply started again: it first finishes what it had
/// begun, and repeats no step that was completed.
#[derive(Debug, Parser)]
#[command(name = "document_processor", version)]
pub struct Arguments {
    /// Files (.txt, .md, .html, or any other UTF-8 text) and http or https addresses. Without any, only what was left
    /// unfinished is finished.
    #[arg(value_name = "path or URL")]
    documents: Vec<String>,

    /// Where the runs are kept: a file, a `sqlite://` URL, or `memory:` for nowhere.
    #[arg(long, value_name = "path or URL", default_value = "workflows.db")]
    pub db: String,

    /// The folder that the reports are written to.
    #[arg(long, value_name = "folder", default_value = "reports")]
    out: PathBuf,
}

/// A document that was asked for, and what to call it in messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Where it is.
    pub source: Source,
    /// As it was written on the command line.
    pub label: String,
}

impl Arguments {
    /// The documents in the order in which they were given, each once.
    ///
    /// # Errors
    /// When an argument is empty, or the current folder is gone.
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

    /// The folder for reports, absolute: a run may be finished by a program that is started elsewhere.
    ///
    /// # Errors
    /// When it is empty, or the current folder is gone.
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
    fn a_document_that_is_given_twice_is_asked_for_once() {
        let arguments = Arguments::try_parse_from(["document_processor", "a.md", "b.md", "./a.md"]).unwrap();
        let labels: Vec<String> =
            arguments.requests().unwrap().into_iter().map(|request| request.label).collect();
        assert_eq!(labels, ["a.md", "b.md"]);
    }
}
