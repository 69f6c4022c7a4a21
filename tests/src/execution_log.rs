//! A file to which stage bodies append one line per execution. A line stays even if the process dies afterwards.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Appends one line with a single write.
pub fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{line}\n").as_bytes())
}
