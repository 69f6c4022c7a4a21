//! `schedule.trigger`: starts a run of a schedule now.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Command, Created};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::schedules::{request_of, start_run};
use crate::value::RunId;

/// Starts a run of a schedule now, also while the schedule is paused or an earlier run has not ended. Its ticks stay as they
/// are, and see the run as one of theirs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggerSchedule {
    /// The schedule.
    pub id: String,
    /// The idempotency key: the same key starts one run.
    #[serde(default)]
    pub idempotency_key: Option<String>,
}

/// The run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TriggerScheduleOutput {
    /// The run that this request or an earlier one with the same key has started.
    pub run_id: RunId,
}

#[async_trait]
impl Command for TriggerSchedule {
    type Output = TriggerScheduleOutput;
    const NAME: &'static str = "schedule.trigger";

    /// # Errors
    /// `SCHEDULE_NOT_FOUND`; the errors of [`CreateRun`](super::CreateRun): `WORKFLOW_NOT_FOUND` in a process that has not
    /// registered the workflow.
    async fn execute(self, kernel: &Kernel) -> Result<TriggerScheduleOutput, Error> {
        let Self { id, idempotency_key } = self;
        loop {
            let record = kernel.store().schedule(&id).await?;
            let record = record.ok_or_else(|| Error::schedule_not_found(&id))?;
            let now = kernel.clock().now();
            let mut request = request_of(&record.schedule, now);
            request.idempotency_key =
                idempotency_key.as_ref().map(|key| format!("schedule:{id}:trigger:{key}"));
            match start_run(kernel, request, record, now).await? {
                Created::New(run_id) | Created::Existing(run_id) => {
                    return Ok(TriggerScheduleOutput { run_id });
                }
                Created::ScheduleChanged => {}
            }
        }
    }
}
