//! Changes of a decision that write another run than its own: a child is created or cancelled, a parent is woken.
//!
//! They belong to the same transaction, so a parent and its children never disagree, and no message between them can be
//! lost.

use chrono::{DateTime, Utc};

use super::draft::{Draft, Written};
use super::mismatch::Mismatch;
use super::{budget, runs, side_rows, suspension};
use crate::error::Error;
use crate::ports::{Change, ChildStart, Decision, OtherRun};
use crate::records::{ChildTicket, RunRecord, StageRecord, Status, StoredValue};
use crate::stores::instant;
use crate::stores::working_set::WorkingSet;
use crate::value::{RunId, StageKey};

/// The rows of other runs that a decision writes.
#[derive(Default)]
pub(super) struct OtherRuns {
    /// The runs that were read.
    pub(super) runs: Vec<RunId>,
    pub(super) written: Vec<Written>,
}

/// Returns the rows of other runs. `ends_run` tells whether the decision ends its own run.
pub(super) fn write(
    set: &WorkingSet,
    decision: &Decision,
    ends_run: bool,
    now: DateTime<Utc>,
) -> Result<OtherRuns, Error> {
    let mut others = OtherRuns::default();
    for change in &decision.changes {
        let Change::OtherRun(other) = change else { continue };
        let (run_id, draft) = match other {
            OtherRun::Start(child) => (child.run_id, start(set, child, now)),
            OtherRun::CancelChild { run_id, stage_key, reason } => {
                (*run_id, cancel(set, *run_id, (decision.run_id, stage_key), reason, now))
            }
            OtherRun::WakeParent { run_id, stage_key } if ends_run => {
                (*run_id, wake(set, *run_id, stage_key, decision.run_id, now))
            }
            OtherRun::WakeParent { .. } => continue,
        };
        let draft = draft.map_err(|mismatch| mismatch.into_error(run_id))?;
        // Also without a row to write: that there is none was decided from rows that may be stale.
        others.runs.push(run_id);
        others.written.extend(draft.map(Draft::into_written));
    }
    Ok(others)
}

fn start<'s>(
    set: &'s WorkingSet,
    child: &ChildStart,
    now: DateTime<Utc>,
) -> Result<Option<Draft<'s>>, Mismatch> {
    if let Some(entry) = &child.idempotency
        && set.key(entry.command, &entry.key).is_some()
    {
        return Err(Mismatch::KeyIsTaken(entry.key.clone()));
    }
    let mut draft = Draft::new(set, child.run_id, now);
    runs::create(&mut draft, &child.run)?;
    side_rows::tag(&mut draft, &child.tags);
    if let Some(budget) = child.budget {
        budget::set(&mut draft, None, budget)?;
    }
    if child.start.is_some() || child.deadline.is_some() {
        runs::set_times(&mut draft, child.start, child.deadline)?;
    }
    draft.caused_by("run.create".to_owned());
    Ok(Some(draft))
}

/// Lets the end of the child be due. A worker then cancels it with its stages: a decision reads the stages of one run.
fn cancel<'s>(
    set: &'s WorkingSet,
    run_id: RunId,
    (parent, stage_key): (RunId, &StageKey),
    reason: &str,
    now: DateTime<Utc>,
) -> Result<Option<Draft<'s>>, Mismatch> {
    let mut draft = Draft::new(set, run_id, now);
    let is_child = |run: &RunRecord| {
        let link = run.parent.as_ref();
        link.is_some_and(|link| link.is_awaited && link.run_id == parent && link.stage_key == *stage_key)
    };
    if !draft.run().is_ok_and(|run| is_child(run) && !run.status.is_terminal()) {
        return Ok(None);
    }
    let run = draft.run_mut()?;
    run.version += 1;
    run.cancel_reason = Some(reason.to_owned());
    run.times.deadline_at = Some(instant::AT_ONCE);
    draft.notify_timer();
    Ok(Some(draft))
}

/// Lets the check of the parent's stage be due, if the stage waits for this child.
fn wake<'s>(
    set: &'s WorkingSet,
    run_id: RunId,
    stage_key: &StageKey,
    child: RunId,
    now: DateTime<Utc>,
) -> Result<Option<Draft<'s>>, Mismatch> {
    let mut draft = Draft::new(set, run_id, now);
    let waits = |stage: &StageRecord| {
        stage.status == Status::Suspended && awaited_child(stage.suspended_state.as_ref()) == Some(child)
    };
    if !draft.stage(stage_key).is_ok_and(waits) {
        return Ok(None);
    }
    suspension::wake(&mut draft, stage_key)?;
    Ok(Some(draft))
}

/// Returns the run whose id is the ticket.
fn awaited_child(ticket: Option<&StoredValue>) -> Option<RunId> {
    let Some(StoredValue::Inline(json)) = ticket else { return None };
    json.decode::<ChildTicket>().ok().map(|ticket| ticket.child_run_id)
}
