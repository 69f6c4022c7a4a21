//! `stage.pollSuspended`: runs the checks that are due, for hosts that have no worker.

use async_trait::async_trait;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Kernel;
use super::command::Command;
use super::execute::{JobOutcome, NoSlots};
use crate::error::Error;
use crate::ports::{Applied, Change, Commit, Decision, Precondition};
use crate::records::{Claimant, ClaimedJob, JobRecord};
use crate::value::RunId;

/// Runs due checks of stages that wait, each claimed under a lease of its own and outside any transaction, side by side:
/// a slow one delays the answer, and no other check. A worker does so by itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PollSuspendedStages {
    /// Who checks.
    pub worker_id: String,
    /// At most this many checks. 10 is usual.
    #[serde(default = "ten", alias = "max_checks", alias = "maxChecks")]
    pub limit: usize,
}

fn ten() -> usize {
    10
}

/// What the checks found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PollSuspendedStagesOutput {
    /// Checks that were made.
    pub checked: usize,
    /// The runs in which a stage waits no more, because its check delivered: what follows is in the queue.
    pub resumed_run_ids: Vec<RunId>,
}

#[async_trait]
impl Command for PollSuspendedStages {
    type Output = PollSuspendedStagesOutput;
    const NAME: &'static str = "stage.pollSuspended";

    /// # Errors
    /// When the store cannot be read. A check that fails follows its stage's retry policy; one whose outcome cannot be
    /// committed is logged, and made again when its lease has run out.
    async fn execute(self, kernel: &Kernel) -> Result<PollSuspendedStagesOutput, Error> {
        kernel.poll_suspended(self, &CancellationToken::new()).await
    }
}

impl Kernel {
    /// `stage.pollSuspended`. Cancelling `stop` hands the checks back that are not at their end.
    pub(crate) async fn poll_suspended(
        &self,
        command: PollSuspendedStages,
        stop: &CancellationToken,
    ) -> Result<PollSuspendedStagesOutput, Error> {
        let claim = Claimant { worker_id: command.worker_id, lease: self.lease() };
        let due = self.store().due_checks(&self.definitions(), command.limit).await?;
        let checks = join_all(due.into_iter().map(|job| check(self, job, &claim, stop))).await;
        let mut polled = PollSuspendedStagesOutput::default();
        for (run_id, outcome) in checks.into_iter().flatten() {
            polled.checked += 1;
            if outcome == JobOutcome::Completed && !polled.resumed_run_ids.contains(&run_id) {
                polled.resumed_run_ids.push(run_id);
            }
        }
        Ok(polled)
    }
}

/// `None` where somebody else makes the check, or its outcome is not known.
async fn check(
    kernel: &Kernel,
    job: JobRecord,
    claim: &Claimant,
    stop: &CancellationToken,
) -> Option<(RunId, JobOutcome)> {
    let (run_id, stage_id) = (job.run_id, job.stage_id.clone());
    let checked = async {
        let Some(job) = take(kernel, job, claim).await? else { return Ok(None) };
        kernel.execute_claimed(&job, claim, &NoSlots, stop).await.map(Some)
    };
    match checked.await {
        Ok(Some(finished)) => Some((run_id, finished.outcome)),
        Ok(None) => None,
        Err(error) => {
            let error: Error = error;
            tracing::error!(run = %run_id, stage = stage_id, %error, "a check was not brought to its end");
            None
        }
    }
}

async fn take(kernel: &Kernel, job: JobRecord, claim: &Claimant) -> Result<Option<ClaimedJob>, Error> {
    let JobRecord { run_id, stage_id, generation, lease_epoch: epoch, .. } = job;
    let decision = Decision {
        run_id,
        // Not `Claimable`: the stage may have been checked, and something else of it be due.
        precondition: Precondition::ClaimableAt { stage_id: stage_id.clone(), generation, epoch },
        idempotency: None,
        changes: vec![Change::Claim { stage_id, claim: claim.clone() }],
    };
    Ok(match kernel.store().commit(decision).await? {
        Commit::Applied(Applied { mut claimed, .. }) => claimed.pop(),
        Commit::PreconditionFailed | Commit::Duplicate { .. } => None,
    })
}
