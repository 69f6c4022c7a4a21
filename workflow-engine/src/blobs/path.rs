//! Maps blob keys to paths so that no key leads out of the folder and no two keys share a file.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::records::BlobKey;

/// The extension of a blob's file. No folder has it, because the name of a folder never contains a dot.
pub(super) const EXTENSION: &str = "blob";

/// Returns the path of the blob with this key, relative to the folder.
///
/// Each segment becomes a folder, the last one a file. Every character other than a lower-case letter, a digit, `-` or
/// `_` is escaped by its bytes, `%2E` for a dot. So a path contains no `..`, drive or device, and keys that differ only in
/// case have different files on a file system that ignores case.
///
/// # Errors
/// `INVALID_BLOB_KEY` for a key with an empty segment.
pub(super) fn path_of(key: &BlobKey) -> Result<PathBuf, Error> {
    let mut path = PathBuf::new();
    for segment in key.0.split('/') {
        if segment.is_empty() {
            return Err(Error::invalid_blob_key(&key.0));
        }
        path.push(escaped(segment));
    }
    path.set_extension(EXTENSION);
    Ok(path)
}

/// Returns the folder of the keys that begin with these segments.
pub(super) fn folder_of(prefix: &str) -> PathBuf {
    prefix.split('/').filter(|segment| !segment.is_empty()).map(escaped).collect()
}

/// Returns the key of the blob at this path, relative to the folder; `None` if the path is not a blob's.
pub(super) fn key_of(path: &Path) -> Option<BlobKey> {
    if path.extension()? != EXTENSION {
        return None;
    }
    let path = path.with_extension("");
    let segments: Option<Vec<String>> = path.iter().map(|segment| original(segment.to_str()?)).collect();
    Some(BlobKey(segments?.join("/")))
}

fn escaped(segment: &str) -> String {
    let mut escaped = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

fn original(escaped: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use super::*;

    #[test]
    fn a_path_stays_in_the_folder_and_maps_back_to_its_key() {
        let keys = [
            "a",
            "run/stage/1/2",
            "run/STAGE/1/2",
            "../../etc/passwd",
            "a/../b",
            "./a",
            "C:\\x",
            "größe/漢字",
            "a%2Eb",
        ];
        for key in keys {
            let key = BlobKey(key.to_owned());
            let path = path_of(&key).unwrap();
            assert!(path.components().all(|component| matches!(component, Component::Normal(_))), "{path:?}");
            assert_eq!(key_of(&path), Some(key));
        }
        for key in ["", "/etc/passwd", "a//b", "a/"] {
            let error = path_of(&BlobKey(key.to_owned())).unwrap_err();
            assert_eq!(error.code(), "INVALID_BLOB_KEY");
        }
    }
}
