//! Reads a document from a file.

use std::io;
use std::path::Path;

use tokio::io::AsyncReadExt;
use workflow_engine::prelude::*;

use super::{Content, Format};

/// Returns the content of a file of at most `max_bytes`. A file without a known extension is plain text.
///
/// # Errors
/// Permanent if another attempt would fail in the same way: the file does not exist, is not readable, is not a regular file
/// or is too large.
pub async fn read(path: &Path, max_bytes: u64) -> StageResult<Content> {
    let metadata = tokio::fs::metadata(path).await.map_err(|error| refused(&error))?;
    if metadata.is_dir() {
        return Err(StageError::permanent("the path is a folder, not a file"));
    }
    // A pipe or a device could not be read again after a restart.
    if !metadata.is_file() {
        return Err(StageError::permanent("the path is not a regular file"));
    }
    let file = tokio::fs::File::open(path).await.map_err(|error| refused(&error))?;
    let mut bytes = Vec::new();
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes).await.map_err(|error| refused(&error))?;
    if bytes.len() as u64 > max_bytes {
        return Err(StageError::permanent(format!("the file is larger than {max_bytes} bytes")));
    }
    let format = Format::from_extension(path).unwrap_or(Format::PlainText);
    Ok(Content { bytes, format })
}

fn refused(error: &io::Error) -> StageError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            StageError::permanent("the file does not exist")
        }
        io::ErrorKind::PermissionDenied => {
            StageError::permanent("the file cannot be read: permission denied")
        }
        _ => StageError::retryable(format!("the file cannot be read: {error}")),
    }
}
