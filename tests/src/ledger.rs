//! A file to which bodies append, one line an execution. A line that is written stays, whatever becomes of the process.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Appends one line, in one write.
pub fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{line}\n").as_bytes())
}
