//! The store on an embedded SQLite file.
//!
//! One thread writes, a few connections read. An acknowledged commit is on disk, and several processes may share the
//! file. A commit travels through these files, in order:
//!
//! 1. `persistence`, `transport`, `outbox`, `retention`, `ledger`, `inspection`: the ports. A write becomes a request
//!    (`work`), a read runs on a connection of the pool, and an inspection on one of two others.
//! 2. `writer`: the thread that takes all queued requests, begins a transaction on its connection (`session`), and lets
//!    `external_commits` check whether another process has committed. If one has, the `row_cache` is cleared.
//! 3. `batch`: one transaction over all requests. `claim` finds work to claim, per definition (`definition_queries`).
//! 4. `load`: takes the rows that the decisions name from the `row_cache`, and reads the others (`rows`, `row_check`).
//! 5. `stores/apply`, shared by all stores, applies the decisions to the rows in memory.
//! 6. `flush`: writes the changed rows of runs, stages and jobs, with events, keys, logs and blobs. `side_rows`,
//!    `run_tags` and `calls` write the rows that few commits have, each kind by its own statement and only where there is any.
//! 7. `deliveries`, `retention`, `clock_jumps` and leases write their rows directly, past the rows in memory.
//! 8. `user_statements`: the statements that a stage gives, last. Their decision has the transaction to itself.
//! 9. `writer` again: `COMMIT`, a check that the file is still in its place (`file_identity`), hints, rows back to the `row_cache`, replies. A failed transaction is repeated request by
//!    request, unless the database was busy (`failure`).
//!
//! Each statement is a constant beside the code that binds it (`arguments`, `json_rows`) and reads its result (`columns`,
//! `owned_row`). `query_plans` tests that no statement scans a table.

mod options;
mod parameters;
mod file_fault;
mod open;
mod migrations;
mod persistence;
mod transport;
mod outbox;
mod retention;
mod inspection;
mod run_tags;
mod ledger;
mod work;
mod writer;
mod file_identity;
mod session;
mod external_commits;
mod batch;
mod claim;
mod definition_queries;
mod row_cache;
mod load;
mod write;
mod side_rows;
mod calls;
mod deliveries;
mod subscribers;
mod catalog;
mod user_statements;
mod stuck_runs;
mod clock_jumps;
mod arguments;
mod json_rows;
mod columns;
mod cells;
mod failure;
mod statistics;
#[cfg(test)]
mod query_plans;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::SqlitePool;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};
use tokio::sync::{mpsc, watch};

pub use self::options::{SqliteOptions, Synchronous};
pub use self::statistics::SqliteStatistics;

use self::failure::Failure;
use self::file_identity::FileIdentity;
use self::statistics::Counters;
use self::work::{Request, Work};
use super::Closed;
use crate::error::Error;
use crate::ports::{Clock, Hints};
use crate::stores::sql_texts::SqlTexts;

/// A store on one SQLite file.
///
/// Open it once in a process and share it. Other processes may open the same file.
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
    /// The queue of the writer; `None` once the store is closed.
    writer: Mutex<Option<mpsc::UnboundedSender<Work>>>,
    is_writer_done: watch::Receiver<bool>,
    readers: SqlitePool,
    /// For lists and searches, so that a slow one does not delay the reads of stages.
    inspectors: SqlitePool,
    texts: Arc<SqlTexts>,
    hints: Arc<Hints>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    files: Arc<FileIdentity>,
    /// Whether the writer has found that a file is not the one that this process has open.
    is_file_changed: Arc<AtomicBool>,
}

impl SqliteStore {
    /// Returns the statistics of this store since it was opened.
    #[must_use]
    pub fn statistics(&self) -> SqliteStatistics {
        self.counters.read()
    }

    /// Sends a request to the writer, and waits for its commit.
    async fn request<I, O>(
        &self,
        doing: &'static str,
        work: impl FnOnce(Request<I, O>) -> Work,
        input: I,
    ) -> Result<O, Error> {
        let (request, reply) = Request::new(input);
        self.send(doing, work(request))?;
        // The writer replies to every request that it has taken, so a missing reply means that it has panicked.
        reply.await.unwrap_or_else(|_| Err(Error::store_unavailable(doing, Closed)))
    }

    fn send(&self, doing: &'static str, work: Work) -> Result<(), Error> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = writer.as_ref().is_some_and(|writer| writer.send(work).is_ok());
        if sent { Ok(()) } else { Err(Error::store_unavailable(doing, Closed)) }
    }

    /// Returns a statement, to which its arguments are to be bound.
    fn query<'q>(&self, text: &'static str) -> Query<'q, Sqlite, SqliteArguments> {
        sqlx::query(self.texts.filled(text))
    }

    /// Runs one statement on a connection that reads, and returns its rows. It sees one committed state.
    async fn read(
        &self,
        doing: &'static str,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, Error> {
        if self.is_file_changed.load(Ordering::Relaxed) {
            self.files.check()?;
        }
        Ok(query.fetch_all(&self.readers).await.map_err(|error| Failure::database(doing, error))?)
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("statistics", &self.statistics()).finish_non_exhaustive()
    }
}
