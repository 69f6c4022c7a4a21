//! `schedule.delete`: deletes a schedule.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;

/// Deletes a schedule. A tick that is due starts no run any more. The runs that it has started stay, and do not end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteSchedule {
    /// The schedule.
    pub id: String,
}

/// Whether there was a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeleteScheduleOutput {
    /// `false` if there was none.
    pub deleted: bool,
}

#[async_trait]
impl Command for DeleteSchedule {
    type Output = DeleteScheduleOutput;
    const NAME: &'static str = "schedule.delete";

    async fn execute(self, kernel: &Kernel) -> Result<DeleteScheduleOutput, Error> {
        Ok(DeleteScheduleOutput { deleted: kernel.store().delete_schedule(&self.id).await? })
    }
}
