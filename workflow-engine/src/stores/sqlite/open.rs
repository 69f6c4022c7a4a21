//! Opening a file.

#![allow(
    clippy::disallowed_methods,
    reason = "it waits for other processes that open the same file, in their time"
)]

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{ConnectOptions, Connection as _};
use tokio::sync::mpsc;

use super::SqliteStore;
use super::external_commits::{DataVersion, ForeignCommits};
use super::failure::Failure;
use super::migrations::migrate;
use super::options::{SqliteOptions, path_of};
use super::row_cache::InFlight;
use super::session::Session;
use super::statistics::Counters;
use super::writer::{self, Writer};
use crate::error::Error;
use crate::ports::Hints;

/// Reads are short, and on a small machine more of them at once only wait for one another.
const READERS: u32 = 4;

impl SqliteStore {
    /// Opens the file that the options or a location name (a path, `sqlite:path` or `sqlite://path`), creates it if it
    /// does not exist, and migrates its schema to this version.
    ///
    /// # Errors
    /// `UNSUPPORTED_STORE` when the location is not that of a file; `STORE_UNAVAILABLE` when the file cannot be
    /// opened or another process keeps it locked; `STORE_FAILED` when it is not a database of this engine, or of a
    /// later version of it. Messages name the file.
    pub async fn open(options: impl Into<SqliteOptions>) -> Result<Self, Error> {
        let options = options.into();
        let path = path_of(&options.location)?;
        let counters = Arc::new(Counters::default());
        let session =
            Session { connection: connect(&path, &options).await?, counters: Arc::clone(&counters) };
        let seen = DataVersion::read(&session)?;

        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            // A connection to a file does not go stale.
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_lazy_with(quiet(options.reader(&path)));
        let hints = Arc::new(Hints::new());
        let deliver_events = Arc::new(AtomicBool::new(false));
        let (sender, requests) = mpsc::unbounded_channel();
        let is_done = writer::start(Writer {
            session,
            in_flight: InFlight::default(),
            requests,
            clock: Arc::clone(&options.clock),
            hints: Arc::clone(&hints),
            deliver_events: Arc::clone(&deliver_events),
            foreign: ForeignCommits::watch(&path),
            seen,
        })?;
        Ok(Self {
            writer: Mutex::new(Some(sender)),
            is_done,
            readers,
            hints,
            clock: options.clock,
            counters,
            deliver_events,
        })
    }
}

/// Opens the connection that writes, and migrates. Several processes that create one file at the same time get in
/// each other's way where SQLite does not wait by itself (the switch to WAL): then one tries again.
async fn connect(path: &Path, options: &SqliteOptions) -> Result<Connection, Error> {
    let deadline = Instant::now() + options.busy_timeout;
    let mut pause = Duration::from_millis(2);
    loop {
        let failure = match try_connect(path, options).await {
            Ok(connection) => return Ok(connection),
            Err(failure) => failure,
        };
        if !failure.is_busy() || Instant::now() + pause > deadline {
            return Err(failure.about(path).into());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// The schema is sqlx's business, writing is not: see [`Session`].
async fn try_connect(path: &Path, options: &SqliteOptions) -> Result<Connection, Failure> {
    const DOING: &str = "open the database";

    let failed = |error| Failure::database(DOING, error);
    let mut migrating = quiet(options.creator(path)).connect().await.map_err(failed)?;
    migrate(&mut migrating).await?;
    let (path, options) = (path.to_owned(), options.clone());
    let opened = tokio::task::spawn_blocking(move || options.writer(&path)).await;
    // The other connection closes last: a file that nobody has open loses its `-wal` file, which is watched.
    let closed = migrating.close().await;
    let connection = opened.map_err(|error| Failure::lasting(DOING, error))?;
    closed.map_err(failed)?;
    connection.map_err(|error| Failure::database(DOING, error))
}

/// sqlx logs each statement, which costs more than some of them.
fn quiet(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.disable_statement_logging()
}
