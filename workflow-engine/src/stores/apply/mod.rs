//! What a decision does to the rows of a transaction: the one meaning that every store gives it.

mod side_rows;
mod calls;
mod changes;
mod runs;
mod draft;
mod precondition;
mod rerun;
mod waiting;

use chrono::{DateTime, Utc};

use self::draft::Draft;
use super::working_set::WorkingSet;
use crate::error::Error;
use crate::ports::{Commit, Decision};

pub(super) use precondition::holds;

/// Applies `decision` as one thing: the whole of it, or, when its guard misses, its idempotency key is taken or it
/// asks for the impossible, nothing of it. Other decisions of the same transaction do not notice.
///
/// # Errors
/// When a change does not fit the rows it is about: a stage that does not exist, a counter below zero; and
/// `BUDGET_EXCEEDED`.
pub(super) fn apply(set: &mut WorkingSet, decision: &Decision, now: DateTime<Utc>) -> Result<Commit, Error> {
    // The key comes before the guard: a repeated command finds the run where the first one has moved it to.
    if let Some(entry) = &decision.idempotency
        && let Some(taken) = set.key(entry.command, &entry.key)
    {
        return Ok(Commit::Duplicate {
            request_hash: taken.request_hash.clone(),
            result: taken.result.clone(),
        });
    }
    if !holds(&decision.precondition, set, decision.run_id, now) {
        return Ok(Commit::PreconditionFailed);
    }

    let mut draft = Draft::new(set, decision.run_id, now);
    let written = decision.changes.iter().try_for_each(|change| changes::write(&mut draft, change));
    written
        .and_then(|()| waiting::emit_suspended(&mut draft, decision))
        .and_then(|()| calls::void(&mut draft))
        .map_err(|impossible| impossible.of(decision.run_id))?;
    let applied = draft.into_written().merge_into(set);
    if let Some(entry) = &decision.idempotency {
        set.insert_key(entry, decision.run_id, now);
    }
    Ok(Commit::Applied(applied))
}
