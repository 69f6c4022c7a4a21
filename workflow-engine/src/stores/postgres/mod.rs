//! The store on a PostgreSQL server.
//!
//! A few connections commit, a few read, and one listens. Runs are locked row by row, always in the order of their
//! ids, so any number of processes may work on one database at the same time.

mod options;
mod open;
mod database;
mod work;
mod queue;
mod composite;
mod committer;
mod fast_path;
mod row_cache;
mod clock;
mod batch;
mod calls;
mod transaction;
mod ledger;
mod load;
mod write;
mod write_batch;
mod write_sql;
mod composite_types;
mod rows;
mod side_rows;
mod user_statements;
mod of_definitions;
mod claim_locking;
mod claim_optimistic;
mod persistence;
mod request_loader;
mod transport;
mod stuck_runs;
mod outbox;
mod deliveries;
mod retention;
mod external_commits;
mod migrations;
mod statements;
mod columns;
mod arrays;
mod text;
mod failure;

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::postgres::PgRow;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::database::PostgresStatistics;
pub use self::options::PostgresOptions;

use self::arrays::PgQuery;
use self::database::Database;
use self::queue::Queue;
use self::request_loader::Requests;
use self::work::{Ask, Work};
use super::Closed;
use crate::error::Error;

/// A store in one schema of a PostgreSQL database, version 13 or later.
///
/// Open it once in a process and share it; other processes may open the same schema.
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
    requests: Arc<Requests>,
    committers: Mutex<Vec<JoinHandle<()>>>,
    stop: CancellationToken,
    runtime: Own,
}

impl PostgresStore {
    /// What this store has done to its database since it was opened.
    #[must_use]
    pub fn statistics(&self) -> PostgresStatistics {
        self.database.counters.read()
    }

    /// Has a committer do something, and waits for its commit.
    async fn ask<I, O>(
        &self,
        doing: &'static str,
        work: impl FnOnce(Ask<I, O>) -> Work,
        input: I,
    ) -> Result<O, Error> {
        let (ask, answer) = Ask::new(input);
        if !self.queue.push(work(ask)) {
            return Err(Error::store_unavailable(doing, Closed));
        }
        // The committers answer everything that they have taken; they can only be gone by a panic.
        answer.await.unwrap_or_else(|_| Err(Error::store_unavailable(doing, Closed)))
    }

    /// Runs one statement, which sees one committed state. It runs to its end whoever stops waiting: a connection
    /// whose user went away in between would have to be doubted.
    async fn read(
        &self,
        doing: &'static str,
        make: impl Fn(&Database) -> PgQuery<'static> + Send + Sync + 'static,
    ) -> Result<Vec<PgRow>, Error> {
        if self.stop.is_cancelled() {
            return Err(Error::store_unavailable(doing, Closed));
        }
        let database = Arc::clone(&self.database);
        let fetched = self.runtime.spawn(async move { database.fetch(doing, make).await });
        match fetched.await {
            Ok(rows) => Ok(rows?),
            Err(gone) => Err(Error::store_unavailable(doing, gone)),
        }
    }

    /// Lets pending commits end, and closes what is open.
    async fn shut_down(&self) {
        self.queue.close();
        let committers = std::mem::take(&mut *self.committers.lock().unwrap_or_else(PoisonError::into_inner));
        for committer in committers {
            // An error means that it is gone, which is what one waits for.
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

/// A runtime that may be dropped anywhere: tokio's own does not allow it within a task.
struct Own(Option<Runtime>);

impl Own {
    fn new(runtime: Runtime) -> Self {
        Self(Some(runtime))
    }
}

impl Deref for Own {
    type Target = Runtime;

    #[allow(clippy::expect_used, reason = "it is taken where it is dropped, and nowhere else")]
    fn deref(&self) -> &Runtime {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
