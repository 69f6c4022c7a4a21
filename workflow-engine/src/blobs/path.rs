//! Keys as paths, so that no key leads out of the folder and no two keys meet in one file.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::records::BlobKey;

/// What ends the name of a blob's file: no folder has it, since a dot is never a part of one.
pub(super) const EXTENSION: &str = "blob";

/// Where the blob with this key is, below the folder.
///
/// Each segment becomes a folder, the last one a file. Whatever is not a small letter, a digit, `-` or `_` is written as
/// its bytes, `%2E` for a dot: so `..` names nothing, nor does a drive or a device, and keys that differ in case alone
/// differ where the file system does not tell them apart.
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

/// The folder of the keys that begin with these segments.
pub(super) fn folder_of(prefix: &str) -> PathBuf {
    prefix.split('/').filter(|segment| !segment.is_empty()).map(escaped).collect()
}

/// The key of the blob at this path below the folder; `None` where it is none.
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
    fn a_path_stays_below_and_names_its_key() {
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
