//! `schedule.put`: creates a schedule, or changes it.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::schedules::{Timing, check_schedule, due_of};
use crate::records::{Overlap, Schedule, ScheduleRecord};

/// Creates the schedule with this id, or changes it. A schedule that is the same already does not change.
///
/// A new schedule starts no run before its first tick from now on. A change of the cron pattern, the zone, the period or the
/// jitter counts from the oldest tick that is not handled: a tick of the new timing since then is handled at once, as
/// [`CatchUp`](crate::records::CatchUp) says. A schedule that is paused stays so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutSchedule {
    /// The schedule.
    pub schedule: Schedule,
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PutScheduleOutput {
    /// The schedule is new.
    Created,
    /// The schedule is another one than before.
    Changed,
    /// The schedule was the same already.
    Unchanged,
}

#[async_trait]
impl Command for PutSchedule {
    type Output = PutScheduleOutput;
    const NAME: &'static str = "schedule.put";

    /// # Errors
    /// `INVALID_SCHEDULE`; `SCHEDULE_NEVER_FIRES` for a cron pattern without any instant from now on; `INVALID_INPUT`,
    /// `INVALID_CONFIG`, `INVALID_TAG` and the codes of values that cannot be stored; `WORKFLOW_NOT_FOUND` where neither
    /// this process nor the store has the workflow. A process without the workflow checks the input by its stored schema,
    /// which needs the Cargo feature `schemas`.
    async fn execute(self, kernel: &Kernel) -> Result<PutScheduleOutput, Error> {
        let Self { schedule } = self;
        let timing = check_schedule(kernel, &schedule).await?;
        loop {
            let now = kernel.clock().now();
            let Some(stored) = kernel.store().schedule(&schedule.id).await? else {
                // Above those of an earlier schedule with this id, so that no decision about that one fits this one.
                let version = u64::try_from(now.timestamp_micros()).unwrap_or_default();
                let next = first_tick(&schedule, &timing, now)?;
                let record = ScheduleRecord::new(schedule.clone(), version, now).move_to(Some(next));
                if kernel.store().put_schedule(&record, None).await? {
                    return Ok(PutScheduleOutput::Created);
                }
                continue;
            };
            if stored.schedule == schedule {
                return Ok(PutScheduleOutput::Unchanged);
            }
            let version = stored.version;
            let changed = changed(stored, &schedule, &timing, now)?;
            if kernel.store().put_schedule(&changed, Some(version)).await? {
                return Ok(PutScheduleOutput::Changed);
            }
        }
    }
}

fn first_tick(schedule: &Schedule, timing: &Timing, now: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
    timing.after(now).ok_or_else(|| {
        let (pattern, zone) = (schedule.cron.as_deref().unwrap_or_default(), schedule.zone.as_deref());
        Error::schedule_never_fires(&schedule.id, pattern, zone.unwrap_or("UTC"), now)
    })
}

/// Returns the stored schedule with another definition.
fn changed(
    stored: ScheduleRecord,
    schedule: &Schedule,
    timing: &Timing,
    now: DateTime<Utc>,
) -> Result<ScheduleRecord, Error> {
    let first = first_tick(schedule, timing, now)?;
    let is_paused = stored.state.paused.is_some();
    let has_same_timing = {
        let of = |schedule: &Schedule| {
            (schedule.cron.clone(), schedule.zone.clone(), schedule.every, schedule.jitter)
        };
        of(&stored.schedule) == of(schedule)
    };
    let next = match stored.next_at {
        Some(next) if has_same_timing => next,
        Some(next) if next <= now && !is_paused => timing.at_or_after(next).unwrap_or(first),
        _ => first,
    };
    let blocked_by = stored.blocked_by.filter(|_| schedule.overlap == Overlap::Queue && has_same_timing);
    let is_waiting = is_paused || blocked_by.is_some();
    let mut changed = ScheduleRecord {
        schedule: schedule.clone(),
        version: stored.version + 1,
        next_at: Some(next),
        due_at: (!is_waiting).then(|| due_of(schedule, next)),
        blocked_by,
        ..stored
    };
    changed.state.refusal = None;
    Ok(changed)
}
