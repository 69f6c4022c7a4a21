//! The store on an embedded SQLite file.
//!
//! One thread writes, a few connections read. An acknowledged commit is on disk, and several processes may share the
//! file. A commit travels through these files, in order:
//!
//! 1. `persistence`, `transport`, `outbox`, `retention`, `ledger`, `inspection`: the ports. A write becomes a request, a read runs
//!    on a connection of the pool, and an inspection on one of two others.
//! 2. `committer`: the thread that takes all queued requests, begins a transaction on its connection (`session`), and lets
//!    `external_commits` check whether another process has committed. If one has, the row cache is cleared.
//! 3. `stores/commit` serves the requests over the operations of `batch`. `claim` finds work to claim, per definition
//!    (`definition_queries`).
//! 4. `load`: takes the rows that the decisions name from the row cache, and reads the others.
//! 5. `stores/apply`, shared by all stores, applies the decisions to the rows in memory.
//! 6. `write`: writes the changed rows of runs, stages and jobs, with events, keys, logs and blobs. `side_rows`,
//!    `run_tags` and `calls` write the rows that few commits have, each kind by its own statement and only where there is any.
//! 7. `deliveries`, `retention`, `clock_jumps` and leases write their rows directly, past the rows in memory.
//! 8. `user_statements`: the statements that a stage gives, last. Their decision has the transaction to itself.
//! 9. `committer` again: `COMMIT`, a check that the file is still in its place (`file_identity`), hints, rows back to the
//!    row cache, results. A failed transaction is repeated request by request, unless the database was busy (`failure`).
//!
//! Each statement is a constant beside the code that binds it (`arguments`, `json_rows`) and reads its result (`columns`,
//! `cells`). `query_plans` tests that no statement scans a table.

mod options;
mod parameters;
mod file_fault;
mod open;
mod migrations;
mod persistence;
mod timers;
mod schedules;
mod schedule_commits;
mod transport;
mod outbox;
mod retention;
mod inspection;
mod inspection_logs;
mod inspection_queue;
mod inspection_actions;
mod inspection_stages;
mod inspection_costs;
mod run_tags;
mod run_keys;
mod cost_hours;
mod descendants;
mod enqueued;
mod ledger;
mod committer;
mod file_identity;
mod session;
mod external_commits;
mod batch;
mod claim;
mod definition_queries;
mod load;
mod write;
mod side_rows;
mod calls;
mod signals;
mod deliveries;
mod subscribers;
mod catalog;
mod workers;
mod diagnosis;
mod indexes;
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
use tokio::sync::{mpsc, oneshot, watch};

pub(in crate::stores) use self::enqueued::enqueue;
pub use self::options::{SqliteOptions, Synchronous};
pub use self::statistics::SqliteStatistics;

use self::batch::Batch;
use self::failure::Failure;
use self::file_identity::FileIdentity;
use self::statistics::Counters;
use super::Closed;
use super::commit::{Request, Work};
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
    /// The queue of the committer; `None` once the store is closed.
    committer: Mutex<Option<mpsc::UnboundedSender<Work<Batch>>>>,
    is_committer_done: watch::Receiver<bool>,
    readers: SqlitePool,
    /// For lists and searches, so that a slow one does not delay the reads of stages.
    inspectors: SqlitePool,
    texts: Arc<SqlTexts>,
    hints: Arc<Hints>,
    clock: Arc<dyn Clock>,
    counters: Arc<Counters>,
    files: Arc<FileIdentity>,
    synchronous: options::Synchronous,
    /// Whether the committer has found that a file is not the one that this process has open.
    is_file_changed: Arc<AtomicBool>,
}

impl SqliteStore {
    /// Returns the statistics of this store since it was opened.
    #[must_use]
    pub fn statistics(&self) -> SqliteStatistics {
        self.counters.read()
    }

    /// Sends a request to the committer, and waits for its commit.
    async fn request<I, O>(
        &self,
        doing: &'static str,
        work: impl FnOnce(Request<I, O>) -> Work<Batch>,
        input: I,
    ) -> Result<O, Error> {
        let (request, result) = Request::new(input);
        self.send(doing, work(request), result).await
    }

    /// Runs statements in the next transaction, and waits for its commit.
    async fn write<I: Send + Sync + 'static, O: Send + 'static>(
        &self,
        doing: &'static str,
        run: fn(&mut Batch, &I) -> Result<O, Failure>,
        input: I,
    ) -> Result<O, Error> {
        let run = move |batch: &mut Batch, input: &I| std::future::ready(run(batch, input));
        let (work, result) = Work::direct(move |batch, input| Box::pin(run(batch, input)), input);
        self.send(doing, work, result).await
    }

    async fn send<O>(
        &self,
        doing: &'static str,
        work: Work<Batch>,
        result: oneshot::Receiver<Result<O, Error>>,
    ) -> Result<O, Error> {
        let is_sent = {
            let committer = self.committer.lock().unwrap_or_else(PoisonError::into_inner);
            committer.as_ref().is_some_and(|committer| committer.send(work).is_ok())
        };
        if !is_sent {
            return Err(Error::store_unavailable(doing, Closed));
        }
        // The committer replies to every request that it has taken, so a missing reply means that it has panicked.
        result.await.unwrap_or_else(|_| Err(Error::store_unavailable(doing, Closed)))
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
