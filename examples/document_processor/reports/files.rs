//! The files of a report. Each is there as a whole or not at all, and a repeated run replaces it.

use std::fs::{self, File};
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
/// `writer` names whoever writes: of two at the same time, each needs a name of its own, and whoever takes over from
/// one that was killed should have the same.
///
/// # Errors
/// Permanent where the folder cannot be written to; retryable otherwise, for a full disk may be emptied.
pub fn write(report: &Report, writer: &str) -> StageResult<()> {
    let json = serde_json::to_vec_pretty(report).map_err(StageError::permanent)?;
    replace(&report.files.json, &json, writer)?;
    replace(&report.files.markdown, markdown::render(report).as_bytes(), writer)
}

/// Written beside its place and moved there, so that nobody ever reads half a report. What a killed writer leaves is
/// written over by its successor.
fn replace(path: &Path, content: &[u8], writer: &str) -> StageResult<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let partial = folder.join(format!(".{writer}.partial"));
    let written = fs::create_dir_all(folder)
        .and_then(|()| File::create(&partial))
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&partial, path));
    written.map_err(|error| {
        // It may not be there at all; the first error says more than this one.
        let _ = fs::remove_file(&partial);
        refused(path, &error)
    })
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
