//! The store on an embedded SQLite file.
//!
//! One thread writes, a few connections read. What is acknowledged is on disk, and several processes may work on one
//! file at the same time.

mod arguments;
mod side_rows;
mod batch;
mod calls;
mod claim;
mod columns;
mod deliveries;
mod failure;
mod flush;
mod external_commits;
mod row_cache;
mod json_rows;
mod ledger;
mod load;
mod migrations;
mod of_definitions;
mod open;
mod options;
mod outbox;
mod own_row;
mod persistence;
mod retention;
#[cfg(test)]
mod plans;
mod rows;
mod checked;
mod session;
mod stuck_runs;
mod statements;
mod statistics;
mod transport;
mod work;
mod writer;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::SqlitePool;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use tokio::sync::{mpsc, oneshot, watch};

pub use self::options::{SqliteOptions, Synchronous};
pub use self::statistics::SqliteStatistics;

use self::failure::Failure;
use self::statistics::Counters;
use self::work::{Ask, Work};
use super::Closed;
use crate::error::Error;
use crate::ports::{Clock, Hints};

/// A store on one SQLite file.
///
/// Open it once in a process and share it; other processes may open the same file.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use workflow_engine::ports::Persistence;
/// use workflow_engine::stores::SqliteStore;
///
/// # let directory = tempfile::tempdir().unwrap();
/// # let path = directory.path().join("workflows.db");
/// # let path = path.to_str().unwrap();
/// let store = SqliteStore::open(path).await?;
/// assert!(store.pending_runs(&[], 10).await?.is_empty());
/// store.close().await;
/// # Ok::<(), workflow_engine::Error>(())
/// # }).unwrap();
/// ```
pub struct SqliteStore {
    /// `None` once the store is closed.
    writer: Mutex<Option<mpsc::UnboundedSender<Work>>>,
    is_done: watch::Receiver<bool>,
    readers: SqlitePool,
    hints: Arc<Hints>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    deliver_events: Arc<AtomicBool>,
}

impl SqliteStore {
    /// What this store has done to its file since it was opened.
    #[must_use]
    pub fn statistics(&self) -> SqliteStatistics {
        self.counters.read()
    }

    /// Has the writer do something, and waits for its commit.
    async fn ask<I, O>(
        &self,
        doing: &'static str,
        work: impl FnOnce(Ask<I, O>) -> Work,
        input: I,
    ) -> Result<O, Error> {
        let (ask, answer) = Ask::new(input);
        self.send(doing, work(ask))?;
        Self::answer(doing, answer).await
    }

    fn send(&self, doing: &'static str, work: Work) -> Result<(), Error> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = writer.as_ref().is_some_and(|writer| writer.send(work).is_ok());
        if sent { Ok(()) } else { Err(Error::store_unavailable(doing, Closed)) }
    }

    async fn answer<O>(doing: &'static str, answer: oneshot::Receiver<Result<O, Error>>) -> Result<O, Error> {
        // The writer answers everything that it has taken; it can only be gone by a panic.
        answer.await.unwrap_or_else(|_| Err(Error::store_unavailable(doing, Closed)))
    }

    /// Reads the rows of one statement, which sees one committed state.
    async fn read(
        &self,
        doing: &'static str,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, Error> {
        Ok(query.fetch_all(&self.readers).await.map_err(|error| Failure::database(doing, error))?)
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("statistics", &self.statistics()).finish_non_exhaustive()
    }
}
