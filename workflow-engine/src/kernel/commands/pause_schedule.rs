//! `schedule.pause` and `schedule.resume`: stop a schedule, and let it continue.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::schedules::{Timing, change_schedule};
use crate::records::{SchedulePause, ScheduleRecord};
use crate::value::limits::truncate;

/// Pauses a schedule: it starts no runs by itself until it is resumed, also for a tick that is due. Its runs continue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PauseSchedule {
    /// The schedule.
    pub id: String,
    /// The reason, for people; truncated after 8 KiB.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Whether the schedule was paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PauseScheduleOutput {
    /// `false` if it was paused already; nothing has changed then.
    pub paused: bool,
}

#[async_trait]
impl Command for PauseSchedule {
    type Output = PauseScheduleOutput;
    const NAME: &'static str = "schedule.pause";

    /// # Errors
    /// `SCHEDULE_NOT_FOUND`.
    async fn execute(self, kernel: &Kernel) -> Result<PauseScheduleOutput, Error> {
        let reason = self.reason.as_deref().map(truncate::error_text);
        let paused = change_schedule(kernel, &self.id, move |mut record, now| {
            if record.state.paused.is_some() {
                return Ok(None);
            }
            record.state.paused = Some(SchedulePause { at: now, reason: reason.clone() });
            record.state.refusal = None;
            Ok(Some(ScheduleRecord { due_at: None, blocked_by: None, ..record }))
        });
        Ok(PauseScheduleOutput { paused: paused.await? })
    }
}

/// Resumes a schedule from its next tick on. The ticks of the pause are not caught up; a backfill starts their runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResumeSchedule {
    /// The schedule.
    pub id: String,
}

/// Whether the schedule was resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ResumeScheduleOutput {
    /// `false` if it was not paused; nothing has changed then.
    pub resumed: bool,
}

#[async_trait]
impl Command for ResumeSchedule {
    type Output = ResumeScheduleOutput;
    const NAME: &'static str = "schedule.resume";

    /// # Errors
    /// `SCHEDULE_NOT_FOUND`.
    async fn execute(self, kernel: &Kernel) -> Result<ResumeScheduleOutput, Error> {
        let resumed = change_schedule(kernel, &self.id, |mut record, now| {
            if record.state.paused.take().is_none() {
                return Ok(None);
            }
            let next = Timing::of(&record.schedule)?.after(now);
            Ok(Some(record.move_to(next)))
        });
        Ok(ResumeScheduleOutput { resumed: resumed.await? })
    }
}
