//! Why a run with due work makes no progress.

use chrono::{DateTime, Utc};

use super::Kernel;
use crate::error::Error;
use crate::ports::Snapshot;
use crate::records::Status;
use crate::value::RunId;

/// Returns why the run makes no progress, as far as this process can tell: this process lacks the run's workflow or
/// definition and no worker holds a job of it, a stage waits for its budget, or what comes next is due later.
pub(super) async fn blocked_reason(kernel: &Kernel, run_id: RunId) -> Result<Option<Error>, Error> {
    let snapshot = kernel.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    let run = &snapshot.run;
    if let Some(reason) = awaited_budget(&snapshot) {
        return Ok(Some(reason));
    }
    let found = kernel.registry().for_run(run_id, &run.workflow_id, &run.definition_fingerprint);
    let now = kernel.clock().now();
    let not_due = not_due(&snapshot, now);
    let Err(reason) = found else { return Ok(not_due) };
    let mut unclaimed = snapshot.jobs.iter().filter(|job| job.status != Status::Running);
    let is_blocked = match run.status {
        Status::Pending => true,
        Status::Running => {
            !is_claimed(&snapshot) && unclaimed.any(|job| job.moves(run.generation) && job.run_at <= now)
        }
        _ => false,
    };
    Ok(not_due.or(is_blocked.then_some(reason)))
}

/// Returns whether a worker holds a job of the run.
pub(super) fn is_claimed(snapshot: &Snapshot) -> bool {
    snapshot.jobs.iter().any(|job| job.status == Status::Running)
}

/// Returns the reason where a stage waits for its budget and no worker holds a job of the run.
fn awaited_budget(snapshot: &Snapshot) -> Option<Error> {
    if snapshot.run.status != Status::Running || is_claimed(snapshot) {
        return None;
    }
    let stage = snapshot.stages.iter().find(|stage| stage.awaited_cost.is_some())?;
    let error = stage.error_message.as_deref().unwrap_or_default();
    Some(Error::budget_awaited(snapshot.run.id, &stage.stage_id, error))
}

/// Returns the reason where only time keeps the run from going on: it starts later, or nothing of it is claimed or due, and
/// a stage that has not begun is due later.
fn not_due(snapshot: &Snapshot, now: DateTime<Utc>) -> Option<Error> {
    let run = &snapshot.run;
    if let Some(due) = run.times.due_at.filter(|due| run.status == Status::Pending && *due > now) {
        return Some(Error::run_not_due(run.id, due));
    }
    let mut open = snapshot.jobs.iter().filter(|job| job.moves(run.generation));
    if run.status != Status::Running || is_claimed(snapshot) || open.clone().any(|job| job.run_at <= now) {
        return None;
    }
    let next = open.by_ref().min_by_key(|job| job.run_at)?;
    let is_delayed = next.status == Status::Pending && next.attempt == 0;
    is_delayed.then(|| Error::stage_not_due(run.id, &next.stage_id, next.run_at))
}
