//! The identity of the files of a database: whether their names still lead to what this process has open.
//!
//! A file that is removed, moved or replaced stays open and writable for the processes that have it open. Their commits
//! would go into a file that no later process finds.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};

use super::failure::Failure;

/// The files of one database.
#[derive(Debug)]
pub(super) struct FileIdentity {
    /// The database, and where it has them its `-wal` and `-shm` file.
    files: Vec<(PathBuf, Identity)>,
}

/// What the system says that distinguishes a file from its successor of the same name.
type Identity = (u64, u64);

/// What has happened to a file that this process has open.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Change {
    #[error("it was removed or moved")]
    Removed,
    #[error("it was replaced by another file")]
    Replaced,
}

impl FileIdentity {
    /// Notes the files of the database at `path`, which a connection has opened and read.
    pub(super) fn of(path: &Path) -> Self {
        // SQLite names the other two after the real path.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let names = ["", "-wal", "-shm"].map(|suffix| {
            let mut name = OsString::from(&real);
            name.push(suffix);
            PathBuf::from(name)
        });
        let noted = names.into_iter().filter_map(|name| {
            let identity = identity(&fs::metadata(&name).ok()?);
            Some((name, identity))
        });
        Self { files: noted.collect() }
    }

    /// Returns the size of the `-wal` file, where there is one.
    pub(super) fn log_bytes(&self) -> Option<u64> {
        let is_log = |name: &PathBuf| name.to_string_lossy().ends_with("-wal");
        let (log, _) = self.files.iter().find(|(name, _)| is_log(name))?;
        Some(fs::metadata(log).ok()?.len())
    }

    /// Fails if a name no longer leads to its file. It costs about a microsecond.
    pub(super) fn check(&self) -> Result<(), Failure> {
        for (name, noted) in &self.files {
            let change = match fs::metadata(name) {
                Ok(found) if identity(&found) == *noted => continue,
                Ok(_) => Change::Replaced,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Change::Removed,
                // A directory that may not be searched for a moment says nothing about the file.
                Err(_) => continue,
            };
            return Err(Failure::file_changed(name, change));
        }
        Ok(())
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;

    (metadata.dev(), metadata.ino())
}

/// Elsewhere a file that is open can be neither removed nor replaced.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    (0, 0)
}
