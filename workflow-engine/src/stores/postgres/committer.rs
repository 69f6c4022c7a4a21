//! The committers: tasks that turn requests into transactions.
//!
//! They run on the store's own threads, so that a stage that computes for minutes without an `.await` delays neither
//! commits nor heartbeats. Requests that are ready together are committed together; how long they wait for each other
//! is decided in `queue.rs`. A committer is never aborted, so a transaction runs to its end even if its callers stop
//! waiting.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::batch;
use super::database::Database;
use super::failure::Failure;
use super::fast_path::{self, Served};
use super::queue::{Queue, is_shared};
use super::transaction::{TIMEOUT_GRACE, Transaction};
use super::work::Work;
use crate::failpoints::failpoint;
use crate::stores::working_set::WorkingSet;
use crate::value::RunId;

/// The most attempts at a request that runs alone and conflicts with other transactions.
pub(super) const MAX_ATTEMPTS: u32 = 20;

/// Serves requests until the queue is closed and empty.
pub(super) async fn serve(database: Arc<Database>, queue: Arc<Queue>) {
    while let Some(batch) = queue.next_batch().await {
        let is_shared = is_shared(&batch);
        let Served { finished, remaining } = fast_path::serve(&database, batch).await;
        let runs = |works: &[Work]| works.iter().filter_map(Work::run_id).collect::<Vec<RunId>>();
        // A run is released before the results of its requests are sent, so that a caller that continues with it finds
        // it free. A run with a remaining request is still in progress.
        let remaining_runs = runs(&remaining);
        let finished_runs = finished.iter().filter_map(|(work, _)| work.run_id());
        queue.release(&finished_runs.filter(|run_id| !remaining_runs.contains(run_id)).collect::<Vec<_>>());
        for (work, failure) in finished {
            match failure {
                None => work.complete(),
                Some(failure) => work.fail(failure.into()),
            }
        }
        if !remaining.is_empty() {
            commit_together(&database, remaining).await;
            queue.release(&remaining_runs);
        }
        queue.finish_batch(is_shared);
    }
}

/// Commits all requests in one transaction. Where it fails because of one of them, each gets its own transaction.
async fn commit_together(database: &Database, mut works: Vec<Work>) {
    if works.len() > 1 {
        match transact_and_reconnect(database, &mut works).await {
            Ok(()) => return works.into_iter().for_each(Work::complete),
            // A database that is unavailable or overloaded would fail each request after the same wait.
            Err(failure) if failure.is_database_fault() => {
                return works.into_iter().for_each(|work| work.fail(failure.clone().into()));
            }
            Err(failure) => {
                tracing::debug!(?failure, "a batch failed; each of its requests is retried alone");
            }
        }
    }
    for work in works {
        commit_alone(database, work).await;
    }
}

async fn commit_alone(database: &Database, work: Work) {
    let mut works = [work];
    let mut attempts = 0;
    let outcome = loop {
        attempts += 1;
        match transact_and_reconnect(database, &mut works).await {
            Err(failure) if failure.is_conflict() && attempts < MAX_ATTEMPTS => {}
            outcome => break outcome,
        }
    };
    let [work] = works;
    match outcome {
        Ok(()) => work.complete(),
        Err(failure) => work.fail(failure.into()),
    }
}

/// Commits, and tries once more if the connection is lost before anything is written: an idle connection may be gone,
/// which shows only when it is used.
async fn transact_and_reconnect(database: &Database, works: &mut [Work]) -> Result<(), Failure> {
    match transact(database, works).await {
        Err(failure) if failure.is_disconnected() => transact(database, works).await,
        outcome => outcome,
    }
}

async fn transact(database: &Database, works: &mut [Work]) -> Result<(), Failure> {
    let mut connection = database.connection().await?;
    database.counters.transactions.fetch_add(1, Ordering::Relaxed);
    database.counters.requests.fetch_add(works.len() as u64, Ordering::Relaxed);
    let mut transaction = Transaction::new(database, &mut connection);
    let timeout = database.transaction_timeout + TIMEOUT_GRACE;
    let step = database.row_cache.commits_step();
    let running = tokio::time::timeout(timeout, run_and_commit(&mut transaction, works, step));
    let Ok(outcome) = running.await else {
        // Dropping the connection ends the transaction in every state.
        database.hints.everything_changed();
        return Err(Failure::timed_out("commit").during_commit());
    };
    match outcome {
        Ok(set) => {
            database.release(connection);
            database.keep_committed(set, step);
            Ok(())
        }
        Err(failure) => {
            if transaction.end_after(&failure).await {
                database.release(connection);
            }
            Err(failure)
        }
    }
}

async fn run_and_commit(
    transaction: &mut Transaction<'_>,
    works: &mut [Work],
    step: i64,
) -> Result<WorkingSet, Failure> {
    failpoint!("postgres: before BEGIN", Failure::injected("begin a transaction"));
    transaction.begin().await?;
    failpoint!("postgres: after BEGIN", Failure::injected("begin a transaction"));
    let set = batch::run(transaction, works, step).await?;
    failpoint!("postgres: before COMMIT", Failure::injected("commit").during_commit());
    transaction.commit().await?;
    failpoint!("postgres: after COMMIT", Failure::injected("commit").during_commit());
    Ok(set)
}
