//! A stage that fails for good, and with it its run.

use super::Kernel;
use crate::error::{Error, ErrorCode};
use crate::ports::{Change, Decision, Precondition, RunEnd, Snapshot};
use crate::records::{Lease, RunError, StageRecord, Status};

/// A failure that no further attempt can mend.
#[derive(Clone, Debug)]
pub(super) struct FinalFailure {
    pub(super) lease: Lease,
    /// Whether the lease has run out: it is not its holder that fails the stage, but the reaper.
    pub(super) expired: bool,
    /// The run's error code.
    pub(super) code: ErrorCode,
    pub(super) error: String,
    /// The answer of the command that executed it, if it has an idempotency key.
    pub(super) answer: Option<Change>,
}

impl Kernel {
    /// Fails the stage and the run in one commit: waiting siblings are cancelled, running ones told to stop. `false`
    /// when the lease was no longer held, and so nothing was written.
    pub(super) async fn fail_for_good(&self, failure: FinalFailure) -> Result<bool, Error> {
        let run_id = failure.lease.run_id;
        let applied = self.commit_from_snapshot(run_id, move |snapshot| decide(snapshot, &failure)).await?;
        Ok(applied.is_some())
    }
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
    changes
        .push(Change::EndRun(RunEnd::Failed(RunError { code: failure.code.as_str().to_owned(), message })));
    changes.extend(failure.answer.clone());
    let precondition = if failure.expired {
        Precondition::ExpiredLeaseAndRevision(lease.clone(), snapshot.revision())
    } else {
        Precondition::LeaseAndRevision(lease.clone(), snapshot.revision())
    };
    Some(Decision { run_id: lease.run_id, precondition: precondition, idempotency: None, changes })
}

/// The stage's id, what it tried, and why it failed.
fn message(stage: &StageRecord, checks: u32, failure: &FinalFailure) -> String {
    let FinalFailure { code, error, .. } = failure;
    let attempts = |count| if count == 1 { "1 attempt".to_owned() } else { format!("{count} attempts") };
    let tried = match stage.status {
        _ if *code == ErrorCode::WaitTimedOut => "was given up".to_owned(),
        // The attempts of the stage are those of its function, which succeeded; each check counts its own.
        Status::Suspended => format!("failed after {} to check it", attempts(checks)),
        _ => format!("failed after {}", attempts(stage.attempt)),
    };
    format!("stage `{}` {tried}: {error}", stage.stage_id)
}

/// Cancels every stage of the run that is still open, but for one.
pub(super) fn cancel_open_stages(snapshot: &Snapshot, except: Option<&str>) -> Vec<Change> {
    snapshot
        .stages
        .iter()
        .filter(|stage| !stage.status.is_terminal() && Some(stage.stage_id.as_str()) != except)
        .map(|stage| Change::Cancel { stage_id: stage.stage_id.clone() })
        .collect()
}
