//! How a SQLite file is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::error::Error;
use crate::ports::{Clock, SystemClock};

/// Pages that a connection keeps in memory; where it is negative, in KiB.
const CACHE_SIZE: i32 = -16_384;

/// More than there are statements of the engine's.
const PREPARED: usize = 128;

/// Settings of a [`SqliteStore`](super::SqliteStore).
#[derive(Clone)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The file: a path, `sqlite:path` or `sqlite://path`. It is created if it does not exist.
    pub location: String,
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

impl SqliteOptions {
    /// The defaults, for the file at `location`: a path, `sqlite:path` or `sqlite://path`.
    #[must_use]
    pub fn new(location: impl Into<String>) -> Self {
        Self {
            location: location.into(),
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(10),
            clock: Arc::new(SystemClock),
        }
    }
}

impl<T: Into<String>> From<T> for SqliteOptions {
    fn from(location: T) -> Self {
        Self::new(location)
    }
}

impl std::fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("location", &self.location)
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
    /// Opens the connection that writes. It waits where it must: for nothing but the file.
    pub(super) fn writer(&self, path: &Path) -> rusqlite::Result<Connection> {
        // Without SQLite's own locks around each call: one thread calls it.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        // A plan is made without a look at the arguments. Otherwise a statement with a `LIMIT` is compiled anew for each.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let synchronous = match self.synchronous {
            Synchronous::Full => "FULL",
            Synchronous::Normal => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // Those of the user's tables; the engine's have none, and pay nothing.
        connection.pragma_update(None, "foreign_keys", true)?;
        // 4,000 pages of 4 KiB: a checkpoint every 16 MiB of writes instead of every 4, as each one waits for the disk
        // twice.
        connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        // What a statement over many rows would need to be undone alone; a file otherwise, from 64 KiB on.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
        // Only a connection that has read holds the `-wal` file open.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    }

    /// The settings of the connection that creates the file.
    pub(super) fn creator(&self, path: &Path) -> SqliteConnectOptions {
        self.reader(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("query_only", "0")
    }

    /// The settings of a connection that reads.
    pub(super) fn reader(&self, path: &Path) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(self.busy_timeout)
            .foreign_keys(false)
            .pragma("query_only", "1")
            .pragma("cache_size", CACHE_SIZE.to_string())
            .thread_name(|number| format!("workflow-engine-sqlite-{number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_acknowledged_is_on_disk() {
        use sqlx::{ConnectOptions, Connection as _};

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        for (synchronous, level) in [(Synchronous::Full, 2), (Synchronous::Normal, 1)] {
            let options = SqliteOptions { synchronous, ..SqliteOptions::new("store.db") };
            options.creator(&path).connect().await.unwrap().close().await.unwrap();
            let connection = options.writer(&path).unwrap();
            let number =
                |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap();
            assert_eq!(number("synchronous"), level);
            assert_eq!(number("foreign_keys"), 1);
            assert_eq!(number("wal_autocheckpoint"), 4_000);
            assert_eq!(number("temp_store"), 2);
            assert_eq!(number("cache_size"), i64::from(CACHE_SIZE));
            assert_eq!(number("busy_timeout"), 10_000);
            let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
            assert_eq!(mode, "wal");
            assert!(connection.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG).unwrap());
        }
    }

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
