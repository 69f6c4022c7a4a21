//! The committers: tasks that turn requests into transactions.
//!
//! They run on the store's own threads, so that a stage that computes for minutes without an `.await` delays neither
//! commits nor heartbeats. Requests that are ready together are committed together; how long they wait for each other
//! is decided in `queue.rs`. A committer is never aborted, so a transaction runs to its end even if its callers stop
//! waiting.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::batch::{Batch, RowSource};
use super::database::Database;
use super::failure::Failure;
use super::queue::{Queue, is_shared};
use super::transaction::{TIMEOUT_GRACE, Transaction};
use crate::stores::commit::{self, Work};
use crate::value::RunId;

/// One task.
struct Committer {
    database: Arc<Database>,
    queue: Arc<Queue>,
}

/// Serves requests until the queue is closed and empty.
pub(super) async fn serve(database: Arc<Database>, queue: Arc<Queue>) {
    let mut committer = Committer { database, queue };
    while let Some(batch) = committer.queue.next_batch().await {
        let is_shared = is_shared(&batch);
        if let Err(failure) = commit::serve(&mut committer, batch).await {
            tracing::debug!(?failure, "the database has failed");
        }
        committer.queue.finish_batch(is_shared);
    }
}

impl commit::Committer for Committer {
    type Backend = Batch;

    const UNLOCKED_ATTEMPTS: u32 = 2;

    async fn transact(&mut self, works: &mut [Work<Batch>], attempt: u32) -> Result<(), Failure> {
        let database = &self.database;
        let source = match attempt {
            0 => RowSource::Cache,
            1 => RowSource::Read,
            _ => RowSource::Locked,
        };
        let (connection, is_recent) = database.recent_connection().await?;
        database.counters.transactions.fetch_add(1, Ordering::Relaxed);
        database.counters.requests.fetch_add(works.len() as u64, Ordering::Relaxed);
        // With an idle connection that is lost, a single statement would fail as a commit with an unknown outcome, while
        // a failed `BEGIN` can be repeated. And behind a pooler only a transaction keeps preparing and running in one
        // session.
        let begin = source == RowSource::Locked || !is_recent || database.sessions.are_shared();
        let mut batch = Batch::new(Transaction::new(Arc::clone(database), connection), source);
        let timeout = database.transaction_timeout + TIMEOUT_GRACE;
        let running = tokio::time::timeout(timeout, batch.run_and_commit(works, begin));
        match running.await {
            Ok(Ok(())) => {
                batch.finish();
                Ok(())
            }
            Ok(Err(failure)) => {
                batch.transaction.end_after(&failure).await;
                Err(failure)
            }
            Err(_) => {
                // Dropping the connection ends the transaction in every state.
                database.hints.everything_changed();
                Err(Failure::timed_out("commit").during_commit())
            }
        }
    }

    fn finish(&mut self, finished: &[Work<Batch>], remaining: &[Work<Batch>]) {
        // A run is released before the results of its requests are sent, so that a caller that continues with it finds
        // it free. A run with a remaining request is still in progress.
        let is_remaining = |run_id: &RunId| remaining.iter().any(|work| work.run_id() == Some(*run_id));
        let finished = finished.iter().filter_map(Work::run_id).filter(|run_id| !is_remaining(run_id));
        self.queue.release(&finished.collect::<Vec<_>>());
    }
}
