//! What is wrong with a file that SQLite cannot open: SQLite has one code for every cause.

use std::fs::{self, OpenOptions};
use std::io::{Error as IoError, ErrorKind};
use std::path::Path;

use crate::error::Error;

/// Returns the error for a file that cannot be opened, if its path or its directory is the cause.
///
/// It never opens the file itself: when a process closes a file, the system releases the locks that its other connections
/// have on it.
pub(super) fn find(path: &Path, create_if_missing: bool) -> Option<Error> {
    let named = path.display().to_string();
    let refuse = |reason: &str| Some(Error::unsupported_url(&named, reason));
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = directory.unwrap_or_else(|| Path::new("."));
    match fs::metadata(path) {
        Ok(file) if file.is_dir() => return refuse("it is a directory: write the path of a file in it"),
        Ok(file) if !file.is_file() => return refuse("it is not a regular file"),
        Ok(file) if file.permissions().readonly() => {
            return refuse("the file is read-only, and the engine writes to it");
        }
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::metadata(directory) {
            Ok(found) if !found.is_dir() => {
                return refuse(&format!("`{}` is not a directory", directory.display()));
            }
            Ok(_) if !create_if_missing => {
                return refuse("the file does not exist, and the option `create_if_missing` is off");
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return refuse(&format!(
                    "the directory `{}` does not exist: create it first",
                    directory.display()
                ));
            }
            Err(error) => return of_directory(&named, directory, &error),
        },
        Err(error) => return of_directory(&named, directory, &error),
    }
    // SQLite creates files beside the database. Only an attempt shows whether it may.
    let attempt = directory.join(format!(".workflow-engine-{}", uuid::Uuid::now_v7()));
    match OpenOptions::new().write(true).create_new(true).open(&attempt) {
        Ok(_) => {
            // A file that stays is empty and harms nothing.
            let _ = fs::remove_file(&attempt);
            None
        }
        Err(error) => of_directory(&named, directory, &error),
    }
}

/// Returns the error for a directory that the process cannot use.
fn of_directory(named: &str, directory: &Path, error: &IoError) -> Option<Error> {
    let directory = directory.display();
    let reason = match error.kind() {
        ErrorKind::NotADirectory => format!("a part of `{directory}` is not a directory"),
        ErrorKind::ReadOnlyFilesystem => {
            format!("the file system of `{directory}` is read-only, and the engine writes to the file")
        }
        ErrorKind::PermissionDenied => format!(
            "the process may not create files in `{directory}`, where SQLite keeps the file with its `-wal` and `-shm`"
        ),
        // The disk is full, for example: SQLite's own error is right.
        _ => return None,
    };
    Some(Error::unsupported_url(named, &reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_of_a_directory_has_its_text() {
        for (kind, text) in [
            (ErrorKind::NotADirectory, "is not a directory"),
            (ErrorKind::ReadOnlyFilesystem, "is read-only"),
            (ErrorKind::PermissionDenied, "may not create files"),
        ] {
            let error = of_directory("data/a.db", Path::new("data"), &kind.into()).unwrap();
            assert!(error.to_string().contains(text) && error.to_string().contains("`data/a.db`"), "{error}");
        }
        assert!(of_directory("a.db", Path::new("."), &ErrorKind::StorageFull.into()).is_none());
    }
}
