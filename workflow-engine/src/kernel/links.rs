//! What the decisions about a run mean for its parent and its children.
//!
//! A stage that waits for a child is woken in the commit that ends the child, and the end of a child is made due in the commit
//! that ends the wait.

use crate::ports::{Change, Decision, OtherRun, RunEnd, Snapshot};
use crate::records::{ChildTicket, RunParent, RunRecord, StageRecord, StoredValue};
use crate::value::limits::truncate;
use crate::value::{RunId, StageKey};

/// Returns the change that wakes the stage that waits for the end of a run, if there is one.
pub(super) fn wake_parent(parent: Option<&RunParent>) -> Option<Change> {
    let parent = parent.filter(|parent| parent.is_awaited)?;
    let (run_id, stage_key) = (parent.run_id, parent.stage_key.clone());
    Some(Change::OtherRun(OtherRun::WakeParent { run_id, stage_key }))
}

/// Adds to a decision from a snapshot the changes of the run's parent and of its children.
pub(super) fn with_links(snapshot: &Snapshot, mut decision: Decision) -> Decision {
    let run = &snapshot.run;
    let mut linked: Vec<Change> = Vec::new();
    let ended = decision.changes.iter().find_map(|change| match change {
        Change::EndRun(end) => Some(end),
        _ => None,
    });
    for change in &decision.changes {
        let stages: Vec<&StageKey> = match change {
            Change::Cancel { stage_key } | Change::Fail { stage_key, .. } => vec![stage_key],
            // A child of the generation before may have been rerun on its own.
            Change::Rerun { stages, .. } => stages.iter().map(|stage| &stage.stage_key).collect(),
            _ => continue,
        };
        let records = snapshot.stages.iter().filter(|stage| stages.iter().any(|key| stage.is(key)));
        linked.extend(records.filter_map(|stage| {
            let run_id = awaited_child(stage)?;
            let (stage_key, reason) = (stage.key(), reason(run, stage, ended));
            Some(Change::OtherRun(OtherRun::CancelChild { run_id, stage_key, reason }))
        }));
    }
    if decision.changes.iter().any(|change| matches!(change, Change::EndRun(_) | Change::ReleaseRun { .. })) {
        linked.extend(wake_parent(run.parent.as_ref()));
    }
    decision.changes.extend(linked);
    decision
}

fn reason(run: &RunRecord, stage: &StageRecord, ended: Option<&RunEnd>) -> String {
    let reason = match ended {
        Some(RunEnd::Cancelled(Some(reason))) => {
            format!("run {}, which waited for it, was cancelled: {reason}", run.id)
        }
        Some(RunEnd::Cancelled(None)) => format!("run {}, which waited for it, was cancelled", run.id),
        Some(RunEnd::Failed(error)) => {
            format!("run {}, which waited for it, failed: {}", run.id, error.message)
        }
        None => format!("stage `{}` of run {} waits for it no longer", stage.stage_id, run.id),
    };
    truncate::error_text(&reason)
}

/// Returns the run for which the stage waits, or has waited. Another ticket may have the same form: the store cancels only
/// a run whose parent is this stage.
fn awaited_child(stage: &StageRecord) -> Option<RunId> {
    let Some(StoredValue::Inline(ticket)) = &stage.suspended_state else { return None };
    ticket.decode::<ChildTicket>().ok().map(|ticket| ticket.child_run_id)
}
