//! The source of a document: a file or a URL.

use std::fmt;
use std::io;
use std::path::{self, Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The input of the workflow.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A file. The path is absolute, so that a run can be resumed from another folder.
    File(PathBuf),
    /// A URL that begins with `http://` or `https://`.
    Url(String),
}

impl Source {
    /// Parses an argument of the command line; a relative path starts at the current folder.
    ///
    /// # Errors
    /// When the path is empty, or the current folder does not exist.
    pub fn from_argument(argument: &str) -> io::Result<Self> {
        // Other schemes are rejected when the document is fetched: there they fail one run, not the program.
        if argument.contains("://") {
            return Ok(Self::Url(argument.to_owned()));
        }
        path::absolute(argument).map(Self::File)
    }

    /// Returns the last part of the path, or the host of a URL without a path.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path
                .file_name()
                .map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned()),
            Self::Url(url) => name_of_url(url).to_owned(),
        }
    }

    /// Returns the name in messages: the path relative to `folder`, or the URL.
    pub fn label(&self, folder: &Path) -> String {
        match self {
            Self::File(path) => path.strip_prefix(folder).unwrap_or(path).display().to_string(),
            Self::Url(url) => url.clone(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(url),
        }
    }
}

fn name_of_url(url: &str) -> &str {
    let address = url.split_once("://").map_or(url, |(_, address)| address);
    let address = address.split(['?', '#']).next().unwrap_or(address);
    address.trim_end_matches('/').rsplit('/').next().unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_becomes_absolute() {
        let Source::File(path) = Source::from_argument("notes/letter.md").unwrap() else {
            panic!("a path is a file")
        };
        assert!(path.is_absolute() && path.ends_with("notes/letter.md"));
    }

    #[test]
    fn names_are_the_last_part() {
        assert_eq!(Source::File("/a/letter.md".into()).name(), "letter.md");
        assert_eq!(Source::Url("https://example.org/a/page.html?x=1#top".into()).name(), "page.html");
        assert_eq!(Source::Url("https://example.org/".into()).name(), "example.org");
    }

    #[test]
    fn a_label_is_relative_to_the_folder_if_it_contains_the_file() {
        let source = Source::File("/home/ada/notes/letter.md".into());
        assert_eq!(source.label(Path::new("/home/ada")), "notes/letter.md");
        assert_eq!(source.label(Path::new("/home/bob")), "/home/ada/notes/letter.md");
    }
}
