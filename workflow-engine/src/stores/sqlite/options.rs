//! The options of a SQLite store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};

use crate::error::{Error, redacted};
use crate::ports::{Clock, SystemClock};
use crate::stores::sql_texts::{SqlTexts, is_identifier};
use crate::value::setting::{DAY, check_range};

/// The page cache of a connection. A negative value is in KiB: 16 MiB.
const CACHE_SIZE: i32 = -16_384;

/// The capacity of the cache of prepared statements: more than the engine has.
const PREPARED: usize = 128;

/// Settings of a [`SqliteStore`](super::SqliteStore).
#[derive(Clone)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The file: a path, `sqlite:path` or `sqlite://path`.
    ///
    /// Parameters after a `?` set the options below: `mode=rwc` or `mode=rw` (whether the file is created),
    /// `synchronous=full` or `normal`, `busy_timeout` in milliseconds, `table_prefix`, and `schema=jobs` for the prefix
    /// `jobs_`. It is an error to set an option to two values.
    pub location: String,
    /// Whether the file is created if it does not exist. Default yes.
    pub create_if_missing: bool,
    /// Whether opening creates missing tables and brings old ones up to date. Default yes. Otherwise a store that is not up
    /// to date fails with `SCHEMA_OUTDATED`, and nothing is changed.
    pub migrate: bool,
    /// What the names of all tables and indexes begin with. Default `workflow_`. 1 to 40 lower-case letters, digits and
    /// `_`, not a digit first. The file may hold other tables too; stores with different prefixes are separate.
    pub table_prefix: String,
    /// The moment at which a commit is acknowledged. Default [`Synchronous::Full`].
    pub synchronous: Synchronous,
    /// The time that a transaction waits for one of another process. 1 ms to 1 day; default 10 seconds. Afterwards all
    /// calls that wait for it fail with `STORE_LOCKED`, which is retryable.
    pub busy_timeout: Duration,
    /// The clock. Default: the clock of the machine.
    pub clock: Arc<dyn Clock>,
}

/// The moment at which a commit is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// When the commit is on disk. It survives a loss of power.
    #[default]
    Full,
    /// When the operating system has the commit. It survives the end of the process, but a loss of power may undo the
    /// newest commits. The file stays consistent.
    Normal,
}

impl SqliteOptions {
    /// Returns the default options for the file at `location`: a path, `sqlite:path` or `sqlite://path`.
    #[must_use]
    pub fn new(location: impl Into<String>) -> Self {
        Self {
            location: location.into(),
            create_if_missing: true,
            migrate: true,
            table_prefix: "workflow_".to_owned(),
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
            // It can be a mistyped URL of a database.
            .field("location", &redacted(&self.location))
            .field("create_if_missing", &self.create_if_missing)
            .field("migrate", &self.migrate)
            .field("table_prefix", &self.table_prefix)
            .field("synchronous", &self.synchronous)
            .field("busy_timeout", &self.busy_timeout)
            .finish_non_exhaustive()
    }
}

/// Returns the texts of statements on the tables with a prefix.
pub(super) fn texts_with(prefix: &str) -> SqlTexts {
    SqlTexts::new("{prefix}", prefix)
}

/// Returns the prefix of the tables, which is checked because it becomes part of statements.
pub(super) fn prefix_of(options: &SqliteOptions) -> Result<&str, Error> {
    let prefix = options.table_prefix.as_str();
    // SQLite reserves the names that begin so.
    if is_identifier(prefix) && !prefix.starts_with("sqlite_") {
        return Ok(prefix);
    }
    let reason = "the prefix of the tables must be 1 to 40 lower-case letters, digits and `_`, and must start neither \
                  with a digit nor with `sqlite_`";
    Err(Error::unsupported_url(prefix, reason))
}

impl SqliteOptions {
    /// Checks that each setting is in its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_range("busy_timeout", &self.busy_timeout, &(Duration::from_millis(1)..=DAY))
    }

    /// Opens the connection that writes. It blocks, but only on the file.
    pub(super) fn writer(&self, path: &Path) -> rusqlite::Result<Connection> {
        // Without SQLite's locks around each call, because only one thread calls it.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        // Plans do not depend on the arguments. Otherwise SQLite would compile a statement with a `LIMIT` again for each.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let synchronous = match self.synchronous {
            Synchronous::Full => "FULL",
            Synchronous::Normal => "NORMAL",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // For the user's tables. The engine's tables have no foreign keys, so they pay nothing.
        connection.pragma_update(None, "foreign_keys", true)?;
        // 4,000 pages of 4 KiB: a checkpoint after 16 MiB of writes instead of 4, because each one waits for the disk twice.
        connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        // For the statement journal of a statement that writes many rows. By default it becomes a file from 64 KiB on.
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
        // A connection opens the `-wal` file, which is watched, at its first read.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    }

    /// Returns the settings of the connection that creates the file.
    pub(super) fn creator(&self, path: &Path) -> SqliteConnectOptions {
        self.reader(path)
            .create_if_missing(self.create_if_missing)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("query_only", "0")
    }

    /// Returns the settings of a connection that reads.
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
#[path = "options_tests.rs"]
mod tests;
