//! The failure of a stage that is not retried, and of its run.

use std::sync::{Arc, Mutex, PoisonError};

use super::Kernel;
use super::catch::{CaughtFailure, catch_failure};
use super::commit_from_snapshot::commit_from_snapshot;
use crate::definition::WorkflowDefinition;
use crate::error::{Error, ErrorCode};
use crate::ports::{Change, Decision, Precondition, RunEnd, Snapshot};
use crate::records::{Lease, RunError, StageRecord, Status};
use crate::value::StageKey;

/// A failure that is not retried.
#[derive(Clone, Debug)]
pub(super) struct FinalFailure {
    pub(super) lease: Lease,
    /// Whether the lease has expired, so that the reaper fails the stage and not the holder of the lease.
    pub(super) expired: bool,
    /// The run's error code.
    pub(super) code: ErrorCode,
    pub(super) error: String,
    /// The change that completes the idempotency key under which the job was claimed, if there is one.
    pub(super) completed_key: Option<Change>,
    /// Whether the stage does not fail if it was woken since its last check began.
    pub(super) unless_woken: bool,
    /// The definition, which says where a `catch` is.
    pub(super) definition: &'static WorkflowDefinition,
}

/// Fails the stage and the run in one commit: pending siblings are cancelled, and running ones are stopped. In a `catch`
/// the run continues, and only the stages of the `catch` end. Returns `false` when the lease was lost, and so nothing was
/// written.
pub(super) async fn fail_for_good(kernel: &Kernel, failure: FinalFailure) -> Result<bool, Error> {
    let run_id = failure.lease.run_id;
    let FinalFailure { lease, code, error, definition, .. } = &failure;
    let caught = catch_failure(kernel, definition, lease, (*code, error)).await?;
    // The leases of the stages that the decision which is committed cancels.
    let cancelled: Arc<Mutex<Vec<Lease>>> = Arc::default();
    let stopped = Arc::clone(&cancelled);
    let decide = move |snapshot: &Snapshot| {
        let (decision, leases) = decide(snapshot, &failure, caught.as_ref())?;
        *cancelled.lock().unwrap_or_else(PoisonError::into_inner) = leases;
        Some(decision)
    };
    let applied = commit_from_snapshot(kernel, run_id, decide).await?;
    if applied.is_some() {
        for lease in &*stopped.lock().unwrap_or_else(PoisonError::into_inner) {
            kernel.running().stop_lease(lease);
        }
    }
    Ok(applied.is_some())
}

fn decide(
    snapshot: &Snapshot,
    failure: &FinalFailure,
    caught: Option<&CaughtFailure>,
) -> Option<(Decision, Vec<Lease>)> {
    let lease = &failure.lease;
    let job = snapshot.jobs.iter().find(|job| {
        job.is_of(&lease.stage_key)
            && job.generation == lease.generation
            && job.lease_epoch == lease.epoch
            && job.status == Status::Running
    })?;
    if snapshot.run.status != Status::Running || failure.unless_woken && job.woken {
        return None;
    }
    let stage = snapshot.stage(&lease.stage_key)?;
    let (command, precondition) = if failure.expired {
        let precondition = Precondition::ExpiredLeaseAndRevision(lease.clone(), snapshot.revision());
        ("lease.reapStale", precondition)
    } else {
        ("job.execute", Precondition::LeaseAndRevision(lease.clone(), snapshot.revision()))
    };
    if let Some(caught) = caught {
        let (mut decision, leases) = caught.decide(snapshot, stage, &failure.error);
        decision.changes.extend(failure.completed_key.clone());
        return Some((Decision { command, precondition, ..decision }, leases));
    }
    let message = message(stage, job.attempt, failure);
    let mut changes = vec![Change::Fail { stage_key: lease.stage_key.clone(), error: failure.error.clone() }];
    changes.extend(cancel_open_stages(snapshot, Some(&lease.stage_key)));
    let error = RunError { code: failure.code.as_str().to_owned(), message };
    changes.push(Change::EndRun(RunEnd::Failed(error)));
    changes.extend(failure.completed_key.clone());
    let run_id = lease.run_id;
    Some((Decision { run_id, command, precondition, idempotency: None, changes }, Vec::new()))
}

/// Returns the run's error message: the stage's id, the number of attempts, and the reason.
fn message(stage: &StageRecord, checks: u32, failure: &FinalFailure) -> String {
    let FinalFailure { code, error, .. } = failure;
    let attempts = |count| if count == 1 { "1 attempt".to_owned() } else { format!("{count} attempts") };
    let failed = match stage.status {
        _ if *code == ErrorCode::WaitTimedOut => "timed out".to_owned(),
        // Its child was executed, and not checked.
        _ if failure.definition.stages.iter().any(|of| of.id == stage.stage_id && of.child.is_some()) => {
            "failed".to_owned()
        }
        // The stage's attempts are those of its function, which succeeded; each check counts its own attempts.
        Status::Suspended => format!("failed after {} to check it", attempts(checks)),
        _ => format!("failed after {}", attempts(stage.attempt)),
    };
    format!("stage `{}` {failed}: {error}", stage.key())
}

/// Returns the changes that cancel every open stage of the run, except one.
pub(super) fn cancel_open_stages(snapshot: &Snapshot, except: Option<&StageKey>) -> Vec<Change> {
    snapshot
        .stages
        .iter()
        .filter(|stage| !stage.status.is_terminal() && except.is_none_or(|except| !stage.is(except)))
        .map(|stage| Change::Cancel { stage_key: stage.key() })
        .collect()
}
