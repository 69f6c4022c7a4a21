//! Opens a file.

#![allow(
    clippy::disallowed_methods,
    reason = "it waits for other processes that open the same file, in real time"
)]

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection as _, SqlitePool};
use tokio::sync::mpsc;

use super::SqliteStore;
use super::batch::Batch;
use super::committer::{self, Committer};
use super::external_commits::{DataVersion, ExternalCommits};
use super::failure::Failure;
use super::file_fault;
use super::file_identity::FileIdentity;
use super::migrations::{check, migrate};
use super::options::{SqliteOptions, prefix_of, texts_with};
use super::parameters::resolve;
use super::session::Session;
use super::statistics::Counters;

use crate::error::Error;
use crate::ports::Hints;
use crate::stores::sql_texts::SqlTexts;

/// The number of connections that read. Reads are short, and on a small machine more of them only wait for each other.
const READERS: u32 = 4;

/// The number of connections that list and search runs.
const INSPECTORS: u32 = 2;

impl SqliteStore {
    /// Opens the file that the options or a location name (a path, `sqlite:path` or `sqlite://path`), creates it if it
    /// does not exist, and migrates its schema to this version.
    ///
    /// # Errors
    /// `INVALID_SETTING` for an option that is out of its range; `UNSUPPORTED_STORE` when the location does not name a
    /// file that the process may create or write; `STORE_UNAVAILABLE` when the file cannot be opened,
    /// `DESCRIPTORS_EXHAUSTED` when the process may open no more files, `STORE_LOCKED` when another process keeps the
    /// file locked; `SCHEMA_OUTDATED` when it must not be migrated; `STORE_FAILED` when the file is not a database of this engine, or of a later version of it. The
    /// messages name the file.
    pub async fn open(options: impl Into<SqliteOptions>) -> Result<Self, Error> {
        let (options, path) = resolve(options.into())?;
        options.check()?;
        let texts = Arc::new(texts_with(prefix_of(&options)?));
        let counters = Arc::new(Counters::default());
        let session = Session {
            connection: connect(&path, &options, &texts).await?,
            texts: Arc::clone(&texts),
            counters: Arc::clone(&counters),
        };
        let seen = DataVersion::read(&session)?;

        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            // A connection to a file does not go stale.
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(quiet(options.reader(&path)));
        // They are opened when the first list is read: most processes read none.
        let inspectors = SqlitePoolOptions::new()
            .max_connections(INSPECTORS)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(quiet(options.reader(&path)));
        open_readers(&readers).await.map_err(|failure| Error::from(failure.about(&path)))?;
        let files = Arc::new(FileIdentity::of(&path));
        let is_file_changed = Arc::new(AtomicBool::new(false));
        let hints = Arc::new(Hints::new());
        let (sender, requests) = mpsc::unbounded_channel();
        let is_committer_done = committer::start(Committer {
            batch: Batch::new(session),
            cached: DataVersion::default(),
            requests,
            clock: Arc::clone(&options.clock),
            hints: Arc::clone(&hints),
            external_commits: ExternalCommits::watch(&path),
            seen,
            path,
            busy_timeout: options.busy_timeout,
            is_locked: false,
            files: Arc::clone(&files),
            is_file_changed: Arc::clone(&is_file_changed),
        })?;
        Ok(Self {
            committer: Mutex::new(Some(sender)),
            is_committer_done,
            readers,
            inspectors,
            texts,
            hints,
            synchronous: options.synchronous,
            clock: options.clock,
            counters,
            files,
            is_file_changed,
        })
    }
}

/// Opens all connections that read. A process whose file descriptors run out later has them already: a stage that could
/// not read its inputs would keep its lease and make no progress.
async fn open_readers(readers: &SqlitePool) -> Result<(), Failure> {
    let mut opened = Vec::new();
    for _ in 0..READERS {
        let reader = readers.acquire().await;
        opened.push(reader.map_err(|error| Failure::database("open the database", error))?);
    }
    Ok(())
}

/// Opens the connection that writes, and migrates the schema. Processes that create the file at the same time conflict
/// where SQLite does not wait by itself, at the switch to WAL; then this retries until the busy timeout.
async fn connect(path: &Path, options: &SqliteOptions, texts: &SqlTexts) -> Result<Connection, Error> {
    let deadline = Instant::now() + options.busy_timeout;
    let mut pause = Duration::from_millis(2);
    loop {
        let failure = match try_connect(path, options, texts).await {
            Ok(connection) => return Ok(connection),
            Err(failure) => failure,
        };
        if !failure.is_busy() || Instant::now() + pause > deadline {
            let fault =
                if failure.is_busy() { None } else { file_fault::find(path, options.create_if_missing) };
            return Err(fault.unwrap_or_else(|| failure.about(path).into()));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Migrates with sqlx, then opens the connection that writes with rusqlite: see [`Session`].
async fn try_connect(path: &Path, options: &SqliteOptions, texts: &SqlTexts) -> Result<Connection, Failure> {
    const DOING: &str = "open the database";

    let failed = |error| Failure::database(DOING, error);
    let mut migrating = quiet(options.creator(path)).connect().await.map_err(failed)?;
    if options.migrate {
        migrate(&mut migrating, texts).await?;
    } else {
        check(&mut migrating, texts).await?;
    }
    let (path, options) = (path.to_owned(), options.clone());
    let opened = tokio::task::spawn_blocking(move || options.writer(&path)).await;
    // The migrating connection closes last: SQLite deletes the `-wal` file, which is watched, when no connection is open.
    let closed = migrating.close().await;
    let connection = opened.map_err(|error| Failure::lasting(DOING, error))?;
    closed.map_err(failed)?;
    connection.map_err(|error| Failure::database(DOING, error))
}

/// Switches off sqlx's log of statements, which costs more than some of the statements.
fn quiet(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.disable_statement_logging()
}
