//! How a SQLite file is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::error::Error;
use crate::ports::{Clock, SystemClock};

/// Settings of a [`SqliteStore`](super::SqliteStore).
#[derive(Clone)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// When a commit is acknowledged; default [`Synchronous::Full`].
    pub synchronous: Synchronous,
    /// How long a transaction waits for one of another process; default 10 seconds. Beyond it the call fails with
    /// an error that is retryable.
    pub busy_timeout: Duration,
    /// Where instants come from; default the machine's clock.
    pub clock: Arc<dyn Clock>,
}

/// When a commit is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// When it is on disk: it survives a loss of power.
    #[default]
    Full,
    /// When it is with the operating system: it survives the end of the process, while a loss of power may take
    /// back the newest commits. The file stays consistent.
    Normal,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(10),
            clock: Arc::new(SystemClock),
        }
    }
}

impl std::fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("synchronous", &self.synchronous)
            .field("busy_timeout", &self.busy_timeout)
            .finish_non_exhaustive()
    }
}

/// The file that a location names: a path, or `sqlite:path`, or `sqlite://path`.
pub(super) fn path_of(location: &str) -> Result<PathBuf, Error> {
    let path = location.strip_prefix("sqlite:").unwrap_or(location);
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path == ":memory:" {
        let reason = "a database in memory cannot be shared by its connections: use the store in memory";
        return Err(Error::unsupported_url(location, reason));
    }
    if path.contains('?') {
        return Err(Error::unsupported_url(location, "settings are given as options, not after a `?`"));
    }
    if path.contains("://") {
        return Err(Error::unsupported_url(location, "it is not the path of a SQLite file"));
    }
    Ok(PathBuf::from(path))
}

impl SqliteOptions {
    /// The settings of the connection that writes.
    pub(super) fn writer(&self, path: &std::path::Path) -> SqliteConnectOptions {
        let synchronous = match self.synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        };
        self.reader(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .pragma("query_only", "0")
            // Those of the user's tables; the engine's have none, and pay nothing.
            .foreign_keys(true)
            // 4,000 pages of 4 KiB: a checkpoint every 16 MiB of writes instead of every 4, as each one waits for
            // the disk twice.
            .pragma("wal_autocheckpoint", "4000")
            // What a statement over many rows would need to be undone alone; a file otherwise, from 64 KiB on.
            .pragma("temp_store", "MEMORY")
    }

    /// The settings of a connection that reads.
    pub(super) fn reader(&self, path: &std::path::Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(self.busy_timeout)
            .foreign_keys(false)
            .pragma("query_only", "1")
            .pragma("cache_size", "-16384")
            .thread_name(|number| format!("workflow-engine-sqlite-{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_path_or_a_url() {
        for (location, path) in [
            ("workflows.db", "workflows.db"),
            ("sqlite:workflows.db", "workflows.db"),
            ("sqlite://data/workflows.db", "data/workflows.db"),
            ("sqlite:///var/lib/workflows.db", "/var/lib/workflows.db"),
        ] {
            assert_eq!(path_of(location).unwrap(), PathBuf::from(path));
        }
        for location in ["", "sqlite:", ":memory:", "sqlite::memory:", "postgres://host/db", "a.db?mode=ro"] {
            assert_eq!(path_of(location).unwrap_err().code(), "UNSUPPORTED_STORE", "{location}");
        }
    }
}
