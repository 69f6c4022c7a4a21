//! Handles one message: one attempt of one stage.

use serde::{Deserialize, Serialize};

use super::Serverless;
use crate::error::Error;
use crate::kernel::{ExecuteJob, JobOutcome, TransitionRun};
use crate::records::Status;
use crate::value::{RunId, StageKey};

/// A stage of a run that may have work to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobMessage {
    /// The run.
    pub run_id: RunId,
    /// The stage. Without one, the host starts the run if it is pending, and runs no stage.
    #[serde(rename = "stage_id", default, skip_serializing_if = "Option::is_none")]
    pub stage_key: Option<StageKey>,
}

/// The result of handling a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HandleJobOutput {
    /// The outcome of the stage's attempt; `None` if the message named no stage.
    #[serde(flatten)]
    pub outcome: Option<JobOutcome>,
    /// The stages of this run that are ready now, as messages to send where a queue distributes the work.
    pub ready: Vec<JobMessage>,
}

impl Serverless {
    /// Handles one message, to the end of one attempt of its stage. A duplicate message runs nothing: the stage is
    /// completed, or another claimant has it ([`JobOutcome::Superseded`]).
    ///
    /// The attempt runs in its own task. It continues if the caller drops this future. When the runtime ends, the
    /// job returns to the queue, and the attempt does not count.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`; `DEFINITION_MISMATCH` if this process does not have the run's definition; any
    /// error of reading or writing the store. A stage that fails is an outcome, not an error.
    pub async fn handle_job(&self, message: JobMessage) -> Result<HandleJobOutput, Error> {
        let host = self.clone();
        let invocation = tokio::spawn(async move {
            let output = host.handle(message).await;
            host.schedule_next().await;
            output
        });
        invocation.await.map_err(Error::invocation_aborted)?
    }

    async fn handle(&self, JobMessage { run_id, stage_key }: JobMessage) -> Result<HandleJobOutput, Error> {
        let invocation = self.begin()?;
        let outcome = match stage_key {
            None => {
                self.kernel.execute(TransitionRun { run_id }).await?;
                None
            }
            Some(stage_key) => {
                let worker_id = invocation.claim.worker_id.clone();
                let command = ExecuteJob { worker_id, run_id, stage_key, idempotency_key: None };
                Some(self.kernel.execute_job(command, &invocation.stop).await?.outcome)
            }
        };
        Ok(HandleJobOutput { outcome, ready: self.ready_stages(run_id).await? })
    }

    async fn ready_stages(&self, run_id: RunId) -> Result<Vec<JobMessage>, Error> {
        let now = self.kernel.clock().now();
        let jobs =
            self.kernel.store().snapshot(run_id).await?.map_or_else(Vec::new, |snapshot| snapshot.jobs);
        let ready = jobs
            .into_iter()
            .filter(|job| matches!(job.status, Status::Pending | Status::Suspended) && job.run_at <= now);
        Ok(ready.map(|job| JobMessage { run_id, stage_key: Some(job.key()) }).collect())
    }
}
