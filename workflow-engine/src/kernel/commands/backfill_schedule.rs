//! `schedule.backfill`: starts the runs of ticks in the past.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::{Error, ErrorCode, shown};
use crate::kernel::Kernel;
use crate::kernel::schedules::{Timing, key_of, request_of};
use crate::value::RunId;

/// Starts a run for each tick of a schedule between two instants that has none: those of a pause, of an outage, or from
/// before the schedule existed. A tick that has started a run starts no second one. All runs start at once, beside those of
/// the schedule, and do not count for its overlap.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackfillSchedule {
    /// The schedule.
    pub id: String,
    /// The first instant.
    pub from: DateTime<Utc>,
    /// The last instant, at most now.
    pub to: DateTime<Utc>,
    /// Only returns the ticks.
    #[serde(default)]
    pub dry_run: bool,
}

/// The ticks between the two instants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BackfillScheduleOutput {
    /// The ticks, in their order.
    pub ticks: Vec<BackfilledTick>,
}

/// A tick of a backfill.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct BackfilledTick {
    /// The tick.
    pub scheduled_for: DateTime<Utc>,
    /// Its run; `None` in a dry run for a tick that has none yet.
    pub run_id: Option<RunId>,
    /// Whether the run is new, or would be.
    pub is_new: bool,
}

impl BackfillSchedule {
    /// The most ticks of one backfill.
    pub const MAX_TICKS: usize = 1_000;
}

#[async_trait]
impl Command for BackfillSchedule {
    type Output = BackfillScheduleOutput;
    const NAME: &'static str = "schedule.backfill";

    /// # Errors
    /// `SCHEDULE_NOT_FOUND`; `INVALID_REQUEST` for instants in the wrong order or in the future, or with more than 1,000 ticks
    /// between them; the errors of [`CreateRun`](super::CreateRun): `WORKFLOW_NOT_FOUND` in a process that has not registered
    /// the workflow. The runs that were created before an error stay; the same command continues.
    async fn execute(self, kernel: &Kernel) -> Result<BackfillScheduleOutput, Error> {
        let Self { id, from, to, dry_run } = self;
        let record = kernel.store().schedule(&id).await?.ok_or_else(|| Error::schedule_not_found(&id))?;
        let now = kernel.clock().now();
        if from > to || to > now {
            return Err(Error::invalid_request(format!(
                "a backfill is for the past: it goes from {} to {}, and now is {}",
                shown(from),
                shown(to),
                shown(now)
            )));
        }
        let timing = Timing::of(&record.schedule)?;
        let first = timing.at_or_after(from);
        let instants =
            std::iter::successors(first, |tick| timing.after(*tick)).take_while(|tick| *tick <= to);
        let instants: Vec<_> = instants.take(Self::MAX_TICKS + 1).collect();
        if instants.len() > Self::MAX_TICKS {
            return Err(Error::invalid_request(format!(
                "schedule `{id}` has more than {} ticks from {} to {}: backfill a part of them first",
                Self::MAX_TICKS,
                shown(from),
                shown(to)
            )));
        }
        let mut ticks = Vec::with_capacity(instants.len());
        for scheduled_for in instants {
            let key = key_of(&id, scheduled_for);
            let existing = kernel.store().run_of_key(&key).await?;
            if existing.is_some() || dry_run {
                ticks.push(BackfilledTick { scheduled_for, run_id: existing, is_new: existing.is_none() });
                continue;
            }
            let created = request_of(&record.schedule, scheduled_for).execute(kernel).await;
            let run_id = match created {
                Ok(created) => created.run_id,
                // Another process has started it meanwhile, with another input.
                Err(error) if error.code() == ErrorCode::IdempotencyConflict => {
                    let existing = kernel.store().run_of_key(&key).await?;
                    existing.ok_or(error)?
                }
                Err(error) => return Err(error),
            };
            ticks.push(BackfilledTick { scheduled_for, run_id: Some(run_id), is_new: true });
        }
        Ok(BackfillScheduleOutput { ticks })
    }
}
