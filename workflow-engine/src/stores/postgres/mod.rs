//! The store on a PostgreSQL server.
//!
//! A few connections commit, a few read, and one listens. Any number of processes may use one database at the same
//! time: every transaction that writes a run holds the lock on its row, and takes such locks before all others, in the
//! order of the runs' ids. Claims and purges lock in another order, but skip locked runs. Only renewing a lease needs no
//! lock on the run; it skips locked jobs.
//!
//! A commit passes through these files:
//! 1. `persistence.rs` (a decision), `transport.rs` (a claim), `outbox.rs` and `retention.rs` turn the call into a request,
//!    put it into the queue (`queue.rs`) and wait for the result.
//! 2. A committer (`committer.rs`), one task a connection, takes a batch: every request that is ready, but none about a
//!    run that another committer is working on. Claims come here when they need locks (`claim.rs`); otherwise
//!    `claim_optimistic.rs` finds work without locks and claims it by decisions.
//! 3. `stores/commit` serves the batch over the operations of `batch.rs`: rows from the row cache or read (`load.rs`), with
//!    the time of `clock.rs`; the decisions, applied in memory; the statement that writes. Its guard (`guard_sql.rs`)
//!    locks the runs, compares each row's `commits` counter with the one of the rows in memory, and lets nothing be written
//!    of runs that have moved on.
//!    Their decisions are repeated, in the end on rows that are locked first.
//! 4. `write.rs` collects the changed rows (`write_batch.rs`), encodes each kind as one array of composite
//!    values (`composite.rs`, `composite_types.rs`), and sends the statement of `write_sql.rs`. Rows that few commits have
//!    get statements of their own (`side_rows.rs`, `calls.rs`); without them, the statement is its own transaction.
//! 5. After the commit its rows are in the row cache, the committer sends the results, `database.rs` gives the hints to
//!    this process, and `external_commits.rs` notifies the others.
//!
//! A decision with statements of the user does not pass through the queue: `statement_commits.rs` commits it on a
//! connection of its own, with the engine's locks last (`user_statements.rs` binds the statements).
//!
//! Reads bypass the queue: `read.rs` runs each as one statement, which sees one committed state. `columns.rs` turns
//! rows into records, and `statements.rs` fills the schema's name into the statements. `sessions.rs` holds what differs
//! behind a pooler in transaction mode, and `connection.rs` what differs between connections of the store and of a pool
//! that belongs to the program.
//! `clock_jumps.rs` brings back instants that were written while the database's clock was ahead.

mod options;
mod parameters;
mod open;
mod database;
mod connection;
mod persistence;
mod timers;
mod schedules;
mod schedule_commits;
mod transport;
mod held;
mod queue;
mod committer;
mod batch;
mod clock;
mod clock_jumps;
mod commit_steps;
mod transaction;
mod load;
mod write;
mod write_batch;
mod write_sql;
mod guard_sql;
mod composite;
mod composite_types;
mod side_rows;
mod calls;
mod signals;
mod statement_commits;
mod contended_statements;
mod user_statements;
mod claim_optimistic;
mod claim;
mod contention;
mod external_commits;
mod read;
mod request_loader;
mod ledger;
mod stuck_runs;
mod outbox;
mod deliveries;
mod subscribers;
mod catalog;
mod workers;
mod diagnosis;
mod indexes;
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
mod migrations;
mod privileges;
mod sessions;
mod pooler_probe;
mod statements;
mod columns;
mod arrays;
mod column_arrays;
mod key_columns;
mod text;
mod failure;

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::postgres::PgRow;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::database::PostgresStatistics;
pub(in crate::stores) use self::enqueued::enqueue;
pub use self::options::PostgresOptions;
/// The pool of the driver, which a program can share with a store: see [`PostgresStore::from_pool`].
#[doc(no_inline)]
pub use sqlx::PgPool;

use self::arrays::PgQuery;
use self::batch::Batch;
use self::database::Database;
use self::queue::Queue;
use self::request_loader::RequestLoader;
use self::statement_commits::StatementCommits;
use super::Closed;
use super::commit::{DirectFuture, Request, Work};
use crate::error::Error;

/// A store in one schema of a PostgreSQL database, version 13 or later.
///
/// Open it once in each process and share it; other processes may open the same schema.
///
/// ```no_run
/// # async fn open() -> Result<(), workflow_engine::Error> {
/// use workflow_engine::ports::Persistence;
/// use workflow_engine::stores::{PostgresOptions, PostgresStore};
///
/// let url = "postgres://user:password@localhost/database";
/// let store = PostgresStore::open(url).await?;
/// assert!(store.pending_runs(&[], 10).await?.is_empty());
/// store.close().await;
/// # Ok(())
/// # }
/// ```
pub struct PostgresStore {
    database: Arc<Database>,
    queue: Arc<Queue>,
    statement_commits: Arc<StatementCommits>,
    /// The `application_name` of the session that listens.
    session: String,
    request_loader: Arc<RequestLoader>,
    committers: Mutex<Vec<JoinHandle<()>>>,
    stop: CancellationToken,
    runtime: OwnedRuntime,
}

impl PostgresStore {
    /// Returns counts of the work that this store has done since it was opened.
    #[must_use]
    pub fn statistics(&self) -> PostgresStatistics {
        self.database.counters.read()
    }

    /// Submits a request to the committers and waits for its commit.
    async fn submit<I, O>(
        &self,
        action: &'static str,
        work: impl FnOnce(Request<I, O>) -> Work<Batch>,
        input: I,
    ) -> Result<O, Error> {
        let (request, result) = Request::new(input);
        self.push(action, work(request), result).await
    }

    /// Runs statements in a transaction of their own and waits for its commit.
    async fn write<I: Send + Sync + 'static, O: Send + 'static>(
        &self,
        action: &'static str,
        run: impl for<'a> Fn(&'a mut Batch, &'a I) -> DirectFuture<'a, Batch, O> + Send + Sync + 'static,
        input: I,
    ) -> Result<O, Error> {
        let (work, result) = Work::direct(run, input);
        self.push(action, work, result).await
    }

    async fn push<O>(
        &self,
        action: &'static str,
        work: Work<Batch>,
        result: oneshot::Receiver<Result<O, Error>>,
    ) -> Result<O, Error> {
        if !self.queue.push(work) {
            return Err(Error::store_unavailable(action, Closed));
        }
        // Committers send a result for everything that they have taken, unless one has panicked.
        result.await.unwrap_or_else(|_| Err(Error::store_unavailable(action, Closed)))
    }

    /// Runs one statement, which sees one committed state. It runs on the store's own threads and to its end even if
    /// the caller stops waiting: a statement that is cancelled halfway leaves its connection in an unknown state.
    async fn read(
        &self,
        action: &'static str,
        make: impl Fn(&Database) -> PgQuery<'static> + Send + Sync + 'static,
    ) -> Result<Vec<PgRow>, Error> {
        if self.stop.is_cancelled() {
            return Err(Error::store_unavailable(action, Closed));
        }
        let database = Arc::clone(&self.database);
        let fetched = self.runtime.spawn(async move { database.fetch(action, make).await });
        match fetched.await {
            Ok(rows) => Ok(rows?),
            Err(error) => Err(Error::store_unavailable(action, error)),
        }
    }

    /// Waits for pending commits, then closes the connections.
    async fn shut_down(&self) {
        self.queue.close();
        self.statement_commits.close().await;
        let committers = std::mem::take(&mut *self.committers.lock().unwrap_or_else(PoisonError::into_inner));
        for committer in committers {
            // An error means that the committer has panicked; it has ended as well.
            let _ = committer.await;
        }
        self.stop.cancel();
        let database = Arc::clone(&self.database);
        let _ = self.runtime.spawn(async move { database.close().await }).await;
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("statistics", &self.statistics()).finish_non_exhaustive()
    }
}

/// A runtime that may be dropped anywhere: tokio forbids dropping its own type within a task.
struct OwnedRuntime(Option<Runtime>);

impl OwnedRuntime {
    fn new(runtime: Runtime) -> Self {
        Self(Some(runtime))
    }
}

impl Deref for OwnedRuntime {
    type Target = Runtime;

    #[allow(clippy::expect_used, reason = "only `drop` takes it")]
    fn deref(&self) -> &Runtime {
        self.0.as_ref().expect("the runtime is present until it is dropped")
    }
}

impl Drop for OwnedRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
