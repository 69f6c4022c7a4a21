//! The files of a report. Each is there as a whole or not at all, and a repeated run replaces it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use workflow_engine::prelude::*;

use super::{Report, ReportFiles, markdown};
use crate::documents::Source;

impl ReportFiles {
    /// The names that the report of `source` has in `folder`, the same ones every time.
    pub fn new(folder: &Path, source: &Source) -> Self {
        let stem = stem(source);
        Self { json: folder.join(format!("{stem}.json")), markdown: folder.join(format!("{stem}.md")) }
    }
}

/// Writes both files, blocking. The folder is made where it is missing.
///
/// # Errors
/// Permanent where the folder cannot be written to; retryable otherwise, for a full disk may be emptied.
pub fn write(report: &Report) -> StageResult<()> {
    let json = serde_json::to_vec_pretty(report).map_err(StageError::permanent)?;
    replace(&report.files.json, &json)?;
    replace(&report.files.markdown, markdown::render(report).as_bytes())
}

/// Written beside its place and moved there, so that nobody ever reads half a report.
fn replace(path: &Path, content: &[u8]) -> StageResult<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(folder).and_then(|()| {
        let mut file = temporary(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(io::Error::from)
    });
    match written {
        Ok(_) => Ok(()),
        Err(error) => Err(refused(path, &error)),
    }
}

fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".report-");
    // A temporary file is its owner's alone; a report is as readable as any other file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

fn refused(path: &Path, error: &io::Error) -> StageError {
    let message = format!("the report cannot be written to {}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::AlreadyExists => StageError::permanent(message),
        _ => StageError::retryable(message),
    }
}

/// The document's name for people, and enough of a hash of the whole source that two documents of one name do not
/// overwrite each other's report.
fn stem(source: &Source) -> String {
    let name: String = source
        .name()
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .take(60)
        .flat_map(char::to_lowercase)
        .collect();
    let digest = Sha256::digest(source.to_string());
    let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    format!("{}-{hash:08x}", name.trim_matches('-'))
}
