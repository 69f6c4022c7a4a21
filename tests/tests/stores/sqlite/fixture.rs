//! The fixture of these tests: a directory, and stores on one file in it.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
pub(crate) use tests::decisions::{claim, complete, create, running};
use workflow_engine::stores::SqliteStore;

/// The time that a test waits for an expected event before it fails.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// A directory that is deleted at the end of the test.
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Opens a store on the one file of this directory.
    pub(crate) async fn open(&self) -> SqliteStore {
        open(&self.file("store.db")).await.unwrap()
    }
}

pub(crate) async fn open(path: &std::path::Path) -> Result<SqliteStore, workflow_engine::Error> {
    SqliteStore::open(path.to_str().unwrap()).await
}
