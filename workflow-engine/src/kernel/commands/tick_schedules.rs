//! `schedule.tick`: starts the runs of schedules that are due.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::schedules::{TickOutcome, handle_tick};

/// Handles ticks that are due, of schedules whose workflow this process has registered. A worker executes this command by
/// itself at each tick, and a serverless host in each maintenance tick. Any number of processes may execute it at the same
/// time: each tick starts one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TickSchedules {
    /// The most ticks to handle. Default 100.
    #[serde(default = "default_limit")]
    pub limit: usize,
}

/// The handled ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TickSchedulesOutput {
    /// The runs that have started.
    pub started: usize,
    /// The schedules that have moved without a run: a tick was skipped or missed, waits for a run, or had its run already.
    pub moved: usize,
    /// The schedules whose run was refused. They keep the reason, and try again later.
    pub refused: usize,
}

impl TickSchedulesOutput {
    /// Returns the number of schedules that have changed.
    pub(crate) const fn changed(self) -> usize {
        self.started + self.moved + self.refused
    }
}

impl Default for TickSchedules {
    fn default() -> Self {
        Self { limit: default_limit() }
    }
}

const fn default_limit() -> usize {
    100
}

#[async_trait]
impl Command for TickSchedules {
    type Output = TickSchedulesOutput;
    const NAME: &'static str = "schedule.tick";

    async fn execute(self, kernel: &Kernel) -> Result<TickSchedulesOutput, Error> {
        let mut output = TickSchedulesOutput::default();
        let due = kernel.store().due_schedules(&kernel.registry().workflow_ids(), self.limit).await?;
        let mut failure = None;
        for schedule in due.schedules {
            match handle_tick(kernel, schedule, due.now).await {
                Ok(TickOutcome::Started) => output.started += 1,
                Ok(TickOutcome::Moved) => output.moved += 1,
                Ok(TickOutcome::Refused) => output.refused += 1,
                Ok(TickOutcome::Lost) => {}
                // The other schedules do not wait for this one.
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        failure.map_or(Ok(output), Err)
    }
}
