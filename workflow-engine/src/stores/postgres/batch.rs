//! The locking path: one transaction over all requests of a batch (group commit).

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::failure::Failure;
use super::transaction::Transaction;
use super::work::{LockedCommit, LockedDecision, Request, Work};
use super::{
    calls, claim_locking, deliveries, load, retention, side_rows, subscribers, user_statements, write,
};
use crate::error::Error;
use crate::ports::Commit;
use crate::stores::apply::apply;
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;

/// Runs the requests in a transaction that has begun, and stores each result with its request. Returns the rows that it
/// has read under its locks and written.
pub(super) async fn run(
    transaction: &mut Transaction<'_>,
    works: &mut [Work],
    step: i64,
) -> Result<WorkingSet, Failure> {
    let mut set = WorkingSet::default();
    match works {
        [Work::CommitLocked(request)] => {
            request.output = Some(commit_locked(transaction, request, &mut set).await?);
        }
        [Work::Claim(request)] => {
            request.output = Some(Ok(claim_locking::claim(transaction, &request.input, &mut set).await?));
        }
        [Work::ClaimDeliveries(request)] => {
            request.output = Some(Ok(deliveries::claim(transaction, &request.input).await?));
        }
        [Work::SettleDeliveries(request)] => {
            request.output = Some(Ok(deliveries::settle_all(transaction, &request.input).await?));
        }
        [Work::RenewDeliveries(request)] => {
            request.output = Some(Ok(deliveries::renew(transaction, &request.input).await?));
        }
        [Work::RegisterSubscriber(request)] => {
            request.output = Some(Ok(subscribers::register(transaction, &request.input).await?));
        }
        [Work::AddOldEvents(request)] => {
            request.output = Some(Ok(subscribers::add_old_events(transaction, &request.input).await?));
        }
        [Work::PruneSubscriber(request)] => {
            request.output = Some(Ok(subscribers::prune(transaction, &request.input).await?));
        }
        [Work::RemoveSubscriber(request)] => {
            request.output = Some(Ok(subscribers::remove(transaction, &request.input).await?));
        }
        [Work::Requeue(request)] => {
            let runs = deliveries::requeue(transaction, &request.input).await?;
            for run_id in &runs {
                set.notifications.run_changed(*run_id);
            }
            request.output = Some(Ok(runs.len()));
        }
        [Work::Purge(request)] => {
            let purged = retention::purge(transaction, &request.input).await?;
            for run_id in &purged {
                set.notifications.run_changed(*run_id);
            }
            request.output = Some(Ok(purged));
        }
        works => commit(transaction, works, &mut set).await?,
    }
    write::write(transaction, &set, step).await?;
    side_rows::write(transaction, &set).await?;
    calls::write(transaction, &set).await?;
    // Only a decision under a lock brings statements of the user here; it has this transaction to itself.
    user_statements::run_last(transaction, &set.side_rows.user_statements).await?;
    Ok(set)
}

async fn commit(
    transaction: &mut Transaction<'_>,
    works: &mut [Work],
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    let mut footprint = Footprint::default();
    for work in works.iter() {
        if let Work::Commit(request) = work {
            footprint.add(&request.input);
        }
    }
    let now = load::load(transaction, &footprint, set).await?;
    calls::load(transaction, &footprint, set).await?;
    let now = transaction.database.now(now);
    for work in works.iter_mut() {
        if let Work::Commit(request) = work {
            request.output = Some(apply(set, &request.input, now));
        }
    }
    Ok(())
}

/// Locks and loads a run, lets the caller decide, and applies the decision.
async fn commit_locked(
    transaction: &mut Transaction<'_>,
    request: &mut Request<LockedCommit, Commit>,
    set: &mut WorkingSet,
) -> Result<Result<Commit, Error>, Failure> {
    let run_id = request.input.run_id;
    let mut footprint = Footprint::default();
    footprint.runs.entry(run_id).or_default();
    let mut now = load::load(transaction, &footprint, set).await?;
    load::load_whole(transaction, run_id, set).await?;

    let decide = std::mem::replace(&mut request.input.decide, LockedDecision::Decided(None));
    let (decision, is_repeated) = match decide {
        LockedDecision::Pending(decide) => {
            let snapshot = set.snapshot(run_id);
            // A panic of the kernel must not end the committer, which serves other callers, too.
            match catch_unwind(AssertUnwindSafe(|| decide(snapshot.as_ref()))) {
                Ok(decision) => (decision, false),
                Err(_) => return Ok(Err(Error::store_failed("commit a decision", "the decision panicked"))),
            }
        }
        LockedDecision::Decided(decision) => (decision, true),
    };
    request.input.decide = LockedDecision::Decided(decision.clone());
    let Some(decision) = decision else { return Ok(Ok(Commit::PreconditionFailed)) };
    let mut footprint = Footprint::default();
    footprint.add(&decision);
    if !footprint.keys.is_empty() || decision.run_id != run_id {
        now = load::load(transaction, &footprint, set).await?;
    }
    calls::load(transaction, &footprint, set).await?;
    let outcome = apply(set, &decision, transaction.database.now(now));
    if is_repeated && matches!(outcome, Ok(Commit::PreconditionFailed)) {
        // The run has changed since the decision was made, and `decide` can be called only once.
        return Ok(Err(Error::store_unavailable("commit", "another transaction has changed the run")));
    }
    Ok(outcome)
}
