//! Applying a decision to the rows of a transaction. Every store shares this code, so a [`Change`](crate::ports::Change)
//! has one meaning everywhere.
//!
//! [`apply`] checks the idempotency key and the precondition, then passes each change to `changes`, which routes it by
//! group: `runs` and `rerun`, `jobs`, `stages`, `suspension`, `signals`, `side_rows`, `calls` and `budget`. They write to a
//! [`Draft`], to which `causation` adds the cause, and which is merged into the working set only when every change fits.
//! `other_runs` writes the changes that concern the parent or a child of the run, each to a draft of its own.

mod precondition;
mod draft;
mod mismatch;
mod changes;
mod runs;
mod rerun;
mod jobs;
mod stages;
mod suspension;
mod signals;
mod side_rows;
mod calls;
mod budget;
mod causation;
mod other_runs;

use chrono::{DateTime, Utc};

use self::draft::Draft;
use super::working_set::WorkingSet;
use crate::error::Error;
use crate::ports::{Commit, Decision};
use crate::stores::footprint::started_children;

pub(super) use self::precondition::holds;

/// Applies `decision` as a whole. Where its idempotency key is taken, its precondition fails or one of its changes does
/// not fit, nothing of it is applied. Other decisions of the same transaction are not affected.
///
/// # Errors
/// When a change does not fit the rows that it names (a stage that does not exist, a counter below zero); and
/// `BUDGET_EXCEEDED`.
pub(super) fn apply(set: &mut WorkingSet, decision: &Decision, now: DateTime<Utc>) -> Result<Commit, Error> {
    // The key is checked before the precondition: when a command is repeated, its first execution has moved the run.
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
        .and_then(|()| suspension::emit_suspended(&mut draft))
        .and_then(|()| calls::void(&mut draft))
        .map_err(|mismatch| mismatch.into_error(decision.run_id))?;
    if draft.has_events() {
        let causation_id = causation::causation_id(&draft, decision);
        draft.caused_by(causation_id);
    }
    let written = draft.into_written();
    let others = other_runs::write(set, decision, written.ends_run(), now)?;
    let applied = written.merge_into(set, now);
    set.side_rows.other_runs.extend(others.runs);
    for other in others.written {
        other.merge_into(set, now);
    }
    for child in started_children(decision) {
        if let Some(entry) = &child.idempotency {
            set.insert_key(entry, child.run_id, now);
        }
    }
    if let Some(entry) = &decision.idempotency {
        set.insert_key(entry, decision.run_id, now);
    }
    Ok(Commit::Applied(applied))
}
