//! One transaction over everything that is ready at the same time (group commit).

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::failure::Failure;
use super::transaction::Transaction;
use super::work::{Ask, Deciding, Locked, Work};
use super::{calls, claim_locking, deliveries, load, retention, side_rows, user_statements, write};
use crate::error::Error;
use crate::ports::Commit;
use crate::stores::apply::apply;
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;

/// Runs the works in a transaction that has been begun, and leaves the answers with them; answers what it has written,
/// and read under its locks.
pub(super) async fn run(
    transaction: &mut Transaction<'_>,
    works: &mut [Work],
    step: i64,
) -> Result<WorkingSet, Failure> {
    let mut set = WorkingSet::default();
    match works {
        [Work::CommitLocked(ask)] => ask.output = Some(commit_locked(transaction, ask, &mut set).await?),
        [Work::Claim(ask)] => {
            ask.output = Some(Ok(claim_locking::claim(transaction, &ask.input, &mut set).await?))
        }
        [Work::ClaimDeliveries(ask)] => {
            ask.output = Some(Ok(deliveries::claim(transaction, &ask.input).await?));
        }
        [Work::SettleDeliveries(ask)] => {
            ask.output = Some(Ok(deliveries::settle_all(transaction, &ask.input).await?));
        }
        [Work::Replay(ask)] => {
            let runs = deliveries::replay(transaction, &ask.input).await?;
            for run_id in &runs {
                set.notifications.run_changed(*run_id);
            }
            ask.output = Some(Ok(runs.len()));
        }
        [Work::Purge(ask)] => {
            let purged = retention::purge(transaction, &ask.input).await?;
            for run_id in &purged {
                set.notifications.run_changed(*run_id);
            }
            ask.output = Some(Ok(purged));
        }
        works => commit(transaction, works, &mut set).await?,
    }
    write::write(transaction, &set, step).await?;
    side_rows::write(transaction, &set).await?;
    calls::write(transaction, &set).await?;
    // Last of all: whatever they do, the engine has written what it had to.
    user_statements::run(transaction, &set.side_rows.user_statements).await?;
    Ok(set)
}

async fn commit(
    transaction: &mut Transaction<'_>,
    works: &mut [Work],
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    let mut footprint = Footprint::default();
    for work in works.iter() {
        if let Work::Commit(ask) = work {
            footprint.add(&ask.input);
        }
    }
    let now = load::load(transaction, &footprint, set).await?;
    calls::load(transaction, &footprint, set).await?;
    let now = transaction.database.now(now);
    for work in works.iter_mut() {
        if let Work::Commit(ask) = work {
            ask.output = Some(apply(set, &ask.input, now));
        }
    }
    Ok(())
}

/// Locks and loads a run, has it decided about, and applies the decision.
async fn commit_locked(
    transaction: &mut Transaction<'_>,
    ask: &mut Ask<Locked, Commit>,
    set: &mut WorkingSet,
) -> Result<Result<Commit, Error>, Failure> {
    let run_id = ask.input.run_id;
    let mut footprint = Footprint::default();
    footprint.runs.entry(run_id).or_default();
    let mut now = load::load(transaction, &footprint, set).await?;
    load::load_whole(transaction, run_id, set).await?;

    let (decision, again) = match std::mem::replace(&mut ask.input.decide, Deciding::Done(None)) {
        Deciding::Open(decide) => {
            let snapshot = set.snapshot(run_id);
            // A panic of the kernel's must not take the committer with it: everybody else still needs it.
            match catch_unwind(AssertUnwindSafe(|| decide(snapshot.as_ref()))) {
                Ok(decision) => (decision, false),
                Err(_) => return Ok(Err(Error::store_failed("commit a decision", "deciding panicked"))),
            }
        }
        Deciding::Done(decision) => (decision, true),
    };
    ask.input.decide = Deciding::Done(decision.clone());
    let Some(decision) = decision else { return Ok(Ok(Commit::PreconditionFailed)) };
    let mut footprint = Footprint::default();
    footprint.add(&decision);
    if !footprint.keys.is_empty() || decision.run_id != run_id {
        now = load::load(transaction, &footprint, set).await?;
    }
    calls::load(transaction, &footprint, set).await?;
    let outcome = apply(set, &decision, transaction.database.now(now));
    if again && matches!(outcome, Ok(Commit::PreconditionFailed)) {
        // It was made from another state, and nobody can decide once more.
        return Ok(Err(Error::store_unavailable("commit", "another transaction was in the way")));
    }
    Ok(outcome)
}
