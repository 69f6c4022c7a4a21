//! The committers: tasks that turn requests into transactions.
//!
//! They run on threads of the store's own and not on the program's, so that a stage that computes for minutes delays
//! neither commits nor heartbeats. What is ready together is committed together; while nothing is on its way a batch
//! waits for no company, and else for little (`queue.rs`). Nobody aborts a committer, so transactions run to their end
//! whoever stops waiting.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::batch;
use super::database::Database;
use super::failure::Failure;
use super::fast_path::{self, Served};
use super::queue::{Queue, is_shared};
use super::transaction::Transaction;
use super::work::Work;
use crate::failpoints::failpoint;
use crate::stores::working_set::WorkingSet;
use crate::value::RunId;

/// How often a request that runs alone is tried again when another transaction was in the way.
const TRIES: u32 = 20;

/// What the server's own timeouts may overrun theirs before the connection is given up.
pub(super) const GRACE: Duration = Duration::from_secs(5);

/// Serves requests until the queue is closed and empty.
pub(super) async fn serve(database: Arc<Database>, queue: Arc<Queue>) {
    while let Some(works) = queue.next().await {
        let is_shared = is_shared(&works);
        let Served { answered, left } = fast_path::serve(&database, works).await;
        let runs = |works: &[Work]| works.iter().filter_map(Work::run_id).collect::<Vec<RunId>>();
        // Released before they are told: whoever goes on with a run then finds it free. One that has a request left is
        // still busy.
        let waiting = runs(&left);
        let answered_runs = answered.iter().filter_map(|(work, _)| work.run_id());
        queue.release(&answered_runs.filter(|run_id| !waiting.contains(run_id)).collect::<Vec<_>>());
        for (work, failure) in answered {
            match failure {
                None => work.answer(),
                Some(failure) => work.refuse(failure.into()),
            }
        }
        if !left.is_empty() {
            serve_together(&database, left).await;
            queue.release(&waiting);
        }
        queue.done(is_shared);
    }
}

/// One transaction for all; where it fails by the fault of one of them, one for each.
async fn serve_together(database: &Database, mut works: Vec<Work>) {
    if works.len() > 1 {
        match transact_at_once(database, &mut works).await {
            Ok(()) => return works.into_iter().for_each(Work::answer),
            // A database that is away or overloaded is nobody's fault: to try for each would only wait for each.
            Err(failure) if failure.is_nobodys() => {
                return works.into_iter().for_each(|work| work.refuse(failure.clone().into()));
            }
            Err(failure) => tracing::debug!(?failure, "each request of the batch is tried alone"),
        }
    }
    for work in works {
        serve_alone(database, work).await;
    }
}

async fn serve_alone(database: &Database, work: Work) {
    let mut works = [work];
    let mut tries = 0;
    let outcome = loop {
        tries += 1;
        match transact_at_once(database, &mut works).await {
            Err(failure) if failure.has_collided() && tries < TRIES => {}
            outcome => break outcome,
        }
    };
    let [work] = works;
    match outcome {
        Ok(()) => work.answer(),
        Err(failure) => work.refuse(failure.into()),
    }
}

/// A connection that was kept may be gone, which shows only when it is used: then nothing is written, and a new one
/// is tried.
async fn transact_at_once(database: &Database, works: &mut [Work]) -> Result<(), Failure> {
    match transact(database, works).await {
        Err(failure) if failure.is_away() => transact(database, works).await,
        outcome => outcome,
    }
}

async fn transact(database: &Database, works: &mut [Work]) -> Result<(), Failure> {
    let mut connection = database.connection().await?;
    database.counters.transactions.fetch_add(1, Ordering::Relaxed);
    database.counters.requests.fetch_add(works.len() as u64, Ordering::Relaxed);
    let mut transaction = Transaction::new(database, &mut connection);
    let patience = database.transaction_timeout + GRACE;
    let step = database.known.step();
    let running = tokio::time::timeout(patience, run_and_commit(&mut transaction, works, step));
    let Ok(outcome) = running.await else {
        // The connection is dropped, and with it whatever is left of the transaction.
        database.hints.everything_changed();
        return Err(Failure::took_too_long("commit").in_the_commit());
    };
    match outcome {
        Ok(mut set) => {
            database.give_back(connection);
            let notifications = std::mem::take(&mut set.notifications);
            database.known.learn(set, step);
            database.tell(&notifications);
            Ok(())
        }
        Err(failure) => {
            if failure.may_have_committed() {
                // With leases and all, and nobody will be told what it has brought about.
                database.hints.everything_changed();
            }
            if failure.is_connection_lost() {
                database.forget_idle();
            } else if transaction.roll_back().await {
                database.give_back(connection);
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
    failpoint!("postgres: before COMMIT", Failure::injected("commit").in_the_commit());
    transaction.commit().await?;
    failpoint!("postgres: after COMMIT", Failure::injected("commit").in_the_commit());
    Ok(set)
}
