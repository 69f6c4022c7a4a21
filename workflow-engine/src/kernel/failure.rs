//! The failure of a stage that is not retried, and of its run.

use super::Kernel;
use super::commit_from_snapshot::commit_from_snapshot;
use crate::error::{Error, ErrorCode};
use crate::ports::{Change, Decision, Precondition, RunEnd, Snapshot};
use crate::records::{Lease, RunError, StageRecord, Status};

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
}

/// Fails the stage and the run in one commit: pending siblings are cancelled, and running ones are stopped. Returns
/// `false` when the lease was lost, and so nothing was written.
pub(super) async fn fail_for_good(kernel: &Kernel, failure: FinalFailure) -> Result<bool, Error> {
    let run_id = failure.lease.run_id;
    let applied = commit_from_snapshot(kernel, run_id, move |snapshot| decide(snapshot, &failure)).await?;
    Ok(applied.is_some())
}

fn decide(snapshot: &Snapshot, failure: &FinalFailure) -> Option<Decision> {
    let lease = &failure.lease;
    let job = snapshot.jobs.iter().find(|job| {
        job.stage_id == lease.stage_id
            && job.generation == lease.generation
            && job.lease_epoch == lease.epoch
            && job.status == Status::Running
    })?;
    if snapshot.run.status != Status::Running {
        return None;
    }
    let stage = snapshot.stages.iter().find(|stage| stage.stage_id == lease.stage_id)?;
    let message = message(stage, job.attempt, failure);

    let mut changes = vec![Change::Fail { stage_id: lease.stage_id.clone(), error: failure.error.clone() }];
    changes.extend(cancel_open_stages(snapshot, Some(&lease.stage_id)));
    let error = RunError { code: failure.code.as_str().to_owned(), message };
    changes.push(Change::EndRun(RunEnd::Failed(error)));
    changes.extend(failure.completed_key.clone());
    let (command, precondition) = if failure.expired {
        let precondition = Precondition::ExpiredLeaseAndRevision(lease.clone(), snapshot.revision());
        ("lease.reapStale", precondition)
    } else {
        ("job.execute", Precondition::LeaseAndRevision(lease.clone(), snapshot.revision()))
    };
    Some(Decision { run_id: lease.run_id, command, precondition, idempotency: None, changes })
}

/// Returns the run's error message: the stage's id, the number of attempts, and the reason.
fn message(stage: &StageRecord, checks: u32, failure: &FinalFailure) -> String {
    let FinalFailure { code, error, .. } = failure;
    let attempts = |count| if count == 1 { "1 attempt".to_owned() } else { format!("{count} attempts") };
    let failed = match stage.status {
        _ if *code == ErrorCode::WaitTimedOut => "timed out".to_owned(),
        // The stage's attempts are those of its function, which succeeded; each check counts its own attempts.
        Status::Suspended => format!("failed after {} to check it", attempts(checks)),
        _ => format!("failed after {}", attempts(stage.attempt)),
    };
    format!("stage `{}` {failed}: {error}", stage.stage_id)
}

/// Returns the changes that cancel every open stage of the run, except one.
pub(super) fn cancel_open_stages(snapshot: &Snapshot, except: Option<&str>) -> Vec<Change> {
    snapshot
        .stages
        .iter()
        .filter(|stage| !stage.status.is_terminal() && Some(stage.stage_id.as_str()) != except)
        .map(|stage| Change::Cancel { stage_id: stage.stage_id.clone() })
        .collect()
}
