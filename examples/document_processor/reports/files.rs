//! The files of a report. Each is written completely or not at all, and a repeated run replaces it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use workflow_engine::prelude::*;

use super::{Report, ReportFiles, markdown};
use crate::documents::Source;

impl ReportFiles {
    /// Returns the paths of the report of `source` in `folder`; the same source always has the same paths.
    pub fn new(folder: &Path, source: &Source) -> Self {
        let stem = stem(source);
        Self { json: folder.join(format!("{stem}.json")), markdown: folder.join(format!("{stem}.md")) }
    }
}

/// Writes both files, blocking. Creates the folder if it does not exist.
///
/// `writer` identifies the writer: concurrent writers need different names, and the successor of a killed writer should use
/// the same name.
///
/// # Errors
/// Permanent if the folder is not writable; otherwise retryable, because for example a full disk may be cleaned up.
pub fn write(report: &Report, writer: &str) -> StageResult<()> {
    let json = serde_json::to_vec_pretty(report).map_err(StageError::permanent)?;
    replace(&report.files.json, &json, writer)?;
    replace(&report.files.markdown, markdown::render(report).as_bytes(), writer)
}

/// Writes a temporary file and renames it, so that a reader never sees a partial report. The successor of a killed writer
/// overwrites its temporary file.
fn replace(path: &Path, content: &[u8], writer: &str) -> StageResult<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let partial = folder.join(format!(".{writer}.partial"));
    let written = fs::create_dir_all(folder)
        .and_then(|()| File::create(&partial))
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&partial, path));
    written.map_err(|error| {
        // The file may not exist; the first error is the relevant one.
        let _ = fs::remove_file(&partial);
        write_error(path, &error)
    })
}

fn write_error(path: &Path, error: &io::Error) -> StageError {
    let message = format!("the report cannot be written to `{}`: {error}", path.display());
    match error.kind() {
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::ReadOnlyFilesystem
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::AlreadyExists => StageError::permanent(message),
        _ => StageError::retryable(message),
    }
}

/// Returns the document's readable name with a part of a hash of the whole source, so that two documents of the same name
/// do not overwrite each other's report.
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
