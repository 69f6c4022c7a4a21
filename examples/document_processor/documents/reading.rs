//! Reading a document from a file.

use std::io;
use std::path::Path;

use tokio::io::AsyncReadExt;
use workflow_engine::prelude::*;

use super::{Content, Format};

/// The content of a file of at most `max_bytes`; what has no known extension is taken for plain text.
///
/// # Errors
/// Permanent where another attempt finds the same: no such file, no permission, no regular file, too large.
pub async fn read(path: &Path, max_bytes: u64) -> StageResult<Content> {
    let metadata = tokio::fs::metadata(path).await.map_err(|error| refused(&error))?;
    if metadata.is_dir() {
        return Err(StageError::permanent("this is a folder, not a file"));
    }
    // A pipe or a device could be read once, but never again after a restart.
    if !metadata.is_file() {
        return Err(StageError::permanent("this is not a regular file"));
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
            StageError::permanent("there is no such file")
        }
        io::ErrorKind::PermissionDenied => {
            StageError::permanent("the file may not be read: permission denied")
        }
        _ => StageError::retryable(format!("the file cannot be read: {error}")),
    }
}
