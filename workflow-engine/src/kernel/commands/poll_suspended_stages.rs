//! `stage.pollSuspended`: runs due checks, for hosts without a worker.

use async_trait::async_trait;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Command;
use crate::error::Error;
use crate::kernel::HeldJob;
use crate::kernel::Kernel;
use crate::kernel::attempt::JobOutcome;
use crate::kernel::slots::NoSlots;
use crate::ports::{Applied, Change, Commit, Decision, Precondition};
use crate::records::{Claimant, ClaimedJob, JobRecord};
use crate::value::RunId;

/// Runs due checks of stages that wait. Checks run concurrently, each claimed under its own lease and outside of
/// transactions: a slow check delays the output, but no other check. A worker runs due checks without this command.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollSuspendedStages {
    /// The claimant's name.
    pub worker_id: String,
    /// At most this many checks. Default in JSON: 10.
    #[serde(default = "ten", alias = "max_checks", alias = "maxChecks")]
    pub limit: usize,
}

fn ten() -> usize {
    10
}

/// The results of the checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PollSuspendedStagesOutput {
    /// The number of checks that ran.
    pub checked: usize,
    /// The runs in which a check completed its stage, so that its successors are in the queue.
    pub resumed_run_ids: Vec<RunId>,
}

#[async_trait]
impl Command for PollSuspendedStages {
    type Output = PollSuspendedStagesOutput;
    const NAME: &'static str = "stage.pollSuspended";

    /// # Errors
    /// When the store cannot be read. A failed check follows its stage's retry policy. A check whose outcome cannot be
    /// committed is logged, and runs again when its lease has expired.
    async fn execute(self, kernel: &Kernel) -> Result<PollSuspendedStagesOutput, Error> {
        poll_suspended(kernel, self, &CancellationToken::new()).await
    }
}

/// Executes the command. Cancelling `stop` returns unfinished checks to the queue.
pub(in crate::kernel) async fn poll_suspended(
    kernel: &Kernel,
    command: PollSuspendedStages,
    stop: &CancellationToken,
) -> Result<PollSuspendedStagesOutput, Error> {
    let claimant = Claimant { worker_id: command.worker_id, lease: kernel.lease(), number: None };
    let due = kernel.store().due_checks(&kernel.definitions(), command.limit).await?;
    let checks = join_all(due.into_iter().map(|job| check(kernel, job, &claimant, stop))).await;
    let mut polled = PollSuspendedStagesOutput::default();
    for (run_id, outcome) in checks.into_iter().flatten() {
        polled.checked += 1;
        if outcome == JobOutcome::Completed && !polled.resumed_run_ids.contains(&run_id) {
            polled.resumed_run_ids.push(run_id);
        }
    }
    Ok(polled)
}

/// Returns `None` where another claimant runs the check, or its outcome is unknown.
async fn check(
    kernel: &Kernel,
    job: JobRecord,
    claimant: &Claimant,
    stop: &CancellationToken,
) -> Option<(RunId, JobOutcome)> {
    let (run_id, stage_key) = (job.run_id, job.key());
    let checked = async {
        let claimed = kernel.clock().monotonic();
        let Some(job) = claim(kernel, job, claimant).await? else { return Ok(None) };
        // If the caller stops waiting, the check returns to the queue.
        let job = HeldJob::new(&kernel.shared(), job, claimed, stop);
        job.execute(claimant, &NoSlots).await.map(Some)
    };
    match checked.await {
        Ok(Some(finished)) => Some((run_id, finished.outcome)),
        Ok(None) => None,
        Err(error) => {
            let error: Error = error;
            tracing::error!(run = %run_id, stage = %stage_key, %error, "a check was not finished; it runs again when its lease has expired");
            None
        }
    }
}

async fn claim(kernel: &Kernel, job: JobRecord, claimant: &Claimant) -> Result<Option<ClaimedJob>, Error> {
    let stage_key = job.key();
    let JobRecord { run_id, generation, lease_epoch: epoch, .. } = job;
    let decision = Decision {
        run_id,
        command: PollSuspendedStages::NAME,
        // Not `Claimable`: the check may have run meanwhile, and another job of the stage may be due.
        precondition: Precondition::ClaimableAt { stage_key: stage_key.clone(), generation, epoch },
        idempotency: None,
        changes: vec![Change::Claim { stage_key, claim: claimant.clone() }],
    };
    Ok(match kernel.commit(decision).await? {
        Commit::Applied(Applied { mut claimed, .. }) => claimed.pop(),
        Commit::PreconditionFailed | Commit::Duplicate { .. } => None,
    })
}
