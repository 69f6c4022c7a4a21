//! `job.execute`: runs one stage of one run.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::Command;
use crate::error::Error;
use crate::kernel::HeldJob;
use crate::kernel::Kernel;
use crate::kernel::attempt::JobOutcome;
use crate::kernel::attempt::execution_key::{self, KeyedClaim};
use crate::kernel::compatibility::definition_of;
use crate::kernel::slots::NoSlots;
use crate::records::{Claimant, Status};
use crate::value::{RunId, StageKey};

/// Claims the job of one stage, and runs it to the end of this attempt.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecuteJob {
    /// The claimant's name.
    pub worker_id: String,
    /// The run.
    pub run_id: RunId,
    /// The stage.
    #[serde(rename = "stage_id")]
    pub stage_key: StageKey,
    /// The idempotency key. The same key with the same request executes once, and returns the outcome of that attempt,
    /// also a failed one; while it runs, `IDEMPOTENCY_IN_PROGRESS`. When its lease has expired or its job was returned
    /// to the queue, the next request takes over. Usually `None`: a repeated delivery of a completed job is detected
    /// without a key. See [`CreateRun`](super::CreateRun).
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// The result of the attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExecuteJobOutput {
    /// The outcome of the attempt.
    pub outcome: JobOutcome,
}

#[async_trait]
impl Command for ExecuteJob {
    type Output = ExecuteJobOutput;
    const NAME: &'static str = execution_key::COMMAND;

    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`; `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH` when this process lacks the
    /// run's workflow or definition; `MISSING_STATE` when it lacks `#[state]` of the stage; `IDEMPOTENCY_CONFLICT`, `IDEMPOTENCY_IN_PROGRESS`.
    async fn execute(self, kernel: &Kernel) -> Result<ExecuteJobOutput, Error> {
        execute_job(kernel, self, &CancellationToken::new()).await
    }
}

/// Executes the command. Cancelling `stop` returns the job to the queue.
pub(in crate::kernel) async fn execute_job(
    kernel: &Kernel,
    command: ExecuteJob,
    stop: &CancellationToken,
) -> Result<ExecuteJobOutput, Error> {
    let ExecuteJob { worker_id, run_id, stage_key, idempotency_key } = command;
    let key = execution_key::entry(run_id, &stage_key, idempotency_key.as_deref())?;
    if let Some(outcome) = execution_key::earlier_outcome(kernel, run_id, key.as_ref()).await? {
        return Ok(ExecuteJobOutput { outcome });
    }
    let snapshot = kernel.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    let Some(stage) = snapshot.stage(&stage_key) else {
        return Err(Error::stage_not_found(run_id, &stage_key));
    };
    if stage.status == Status::Completed {
        return Ok(ExecuteJobOutput { outcome: JobOutcome::Completed });
    }
    let registered = definition_of(kernel, &snapshot.run).await?;
    if let Some((_, stage)) = registered.stage(&stage_key.id) {
        kernel.check_state_of(&registered.definition().id, stage)?;
    }
    let claimant = Claimant { worker_id, lease: kernel.lease(), number: None };
    let claimed = kernel.clock().monotonic();
    let job = match execution_key::claim(kernel, &stage_key, &snapshot, &claimant, key.clone()).await? {
        KeyedClaim::Claimed(job) => *job,
        KeyedClaim::Done(outcome) => return Ok(ExecuteJobOutput { outcome }),
        KeyedClaim::NotClaimable => {
            // Another request with this key may have claimed the job since the first look.
            if let Some(outcome) = execution_key::earlier_outcome(kernel, run_id, key.as_ref()).await? {
                return Ok(ExecuteJobOutput { outcome });
            }
            let reason = format!(
                "run {run_id} is {}, and its stage `{stage_key}` is {} without a due job",
                snapshot.run.status, stage.status
            );
            return Ok(ExecuteJobOutput { outcome: JobOutcome::Superseded { reason } });
        }
    };
    // If the caller stops waiting, the job returns to the queue.
    let job = HeldJob::new(&kernel.shared(), job, claimed, stop);
    let finished = job.execute(&claimant, &NoSlots).await?;
    Ok(ExecuteJobOutput { outcome: finished.outcome })
}
