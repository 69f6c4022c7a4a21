//! One message, one stage.

use serde::{Deserialize, Serialize};

use super::Serverless;
use crate::error::Error;
use crate::kernel::{ExecuteJob, JobOutcome, TransitionRun};
use crate::records::Status;
use crate::value::RunId;

/// Where there may be work: a stage of a run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobMessage {
    /// The run.
    pub run_id: RunId,
    /// The stage. Without one the run is started, if nobody has started it yet, and nothing is run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_id: Option<String>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HandleJobOutput {
    /// What became of the stage; `None` where the message named none.
    #[serde(flatten)]
    pub outcome: Option<JobOutcome>,
    /// The stages of this run that are ready now: a message each, should messages be how work is found.
    pub ready: Vec<JobMessage>,
}

impl Serverless {
    /// Handles one message, to the end of one attempt of its stage. A message that comes twice finds the stage completed, or in
    /// other hands ([`JobOutcome::Superseded`]), and runs nothing.
    ///
    /// The attempt runs on when the caller is dropped, in a task of its own; it ends with the runtime.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`; `DEFINITION_MISMATCH` when this process does not have the run's
    /// definition; when the store cannot be read or written. A stage that fails is an outcome, and no error.
    pub async fn handle_job(&self, message: JobMessage) -> Result<HandleJobOutput, Error> {
        let host = self.clone();
        let invocation = tokio::spawn(async move {
            let handled = host.handle(message).await;
            host.schedule_next().await;
            handled
        });
        invocation.await.map_err(Error::invocation_aborted)?
    }

    async fn handle(&self, JobMessage { run_id, stage_id }: JobMessage) -> Result<HandleJobOutput, Error> {
        let invocation = self.begin()?;
        let outcome = match stage_id {
            None => {
                self.kernel.dispatch(TransitionRun { run_id }).await?;
                None
            }
            Some(stage_id) => {
                let worker_id = invocation.claim.worker_id.clone();
                let command = ExecuteJob { worker_id, run_id, stage_id, idempotency_key: None };
                Some(self.kernel.execute_job(command, &invocation.over).await?.outcome)
            }
        };
        Ok(HandleJobOutput { outcome, ready: self.ready(run_id).await? })
    }

    async fn ready(&self, run_id: RunId) -> Result<Vec<JobMessage>, Error> {
        let now = self.kernel.clock().now();
        let jobs =
            self.kernel.store().snapshot(run_id).await?.map_or_else(Vec::new, |snapshot| snapshot.jobs);
        let ready = jobs
            .into_iter()
            .filter(|job| matches!(job.status, Status::Pending | Status::Suspended) && job.run_at <= now);
        Ok(ready.map(|job| JobMessage { run_id, stage_id: Some(job.stage_id) }).collect())
    }
}
