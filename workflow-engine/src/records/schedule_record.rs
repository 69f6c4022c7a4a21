//! A stored schedule, with what it has done.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schedule::Schedule;
use crate::value::RunId;

/// A stored schedule.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScheduleRecord {
    /// The schedule.
    pub schedule: Schedule,
    /// A number that each write raises. That of a later schedule with the same id is higher, too.
    pub version: u64,
    /// The oldest tick that is not handled. `None` where none follows.
    pub next_at: Option<DateTime<Utc>>,
    /// The instant at which a process handles it: the tick with its jitter, or later where its start was refused. `None`
    /// while nothing is due: the schedule is paused, has no further tick, or waits for a run.
    pub due_at: Option<DateTime<Utc>>,
    /// The run for whose end the next tick waits.
    pub blocked_by: Option<RunId>,
    /// The instant of the last write. A later one than now means that the clock has gone back since.
    pub written_at: DateTime<Utc>,
    /// What it has done.
    pub state: ScheduleState,
}

/// What a schedule has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ScheduleState {
    /// The instant at which the schedule was created.
    pub created_at: DateTime<Utc>,
    /// Since when it is paused, and why.
    pub paused: Option<SchedulePause>,
    /// The last start of a run.
    pub last: Option<ScheduleStart>,
    /// The runs that the schedule has started and that may not have ended; at most 100.
    pub open_runs: Vec<RunId>,
    /// The number of ticks that started no run because an earlier one had not ended.
    pub skipped: u64,
    /// Why the start of the next tick's run was refused; `None` after a start that succeeded.
    pub refusal: Option<ScheduleRefusal>,
}

/// A pause of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct SchedulePause {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: Option<String>,
}

/// A start of a run by a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ScheduleStart {
    /// The tick, or the instant at which a person has triggered the schedule.
    pub scheduled_for: DateTime<Utc>,
    /// The run.
    pub run_id: RunId,
}

/// A tick whose run cannot be created. It is tried again, each time after a longer pause, until it succeeds or the schedule
/// changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct ScheduleRefusal {
    /// The tick.
    pub scheduled_for: DateTime<Utc>,
    /// The code of the error.
    pub code: String,
    /// The error.
    pub message: String,
    /// How often the start was refused.
    pub attempts: u32,
    /// The instant of the last attempt.
    pub at: DateTime<Utc>,
}

impl ScheduleRecord {
    /// Creates the record of a schedule that has done nothing yet.
    #[must_use]
    pub fn new(schedule: Schedule, version: u64, at: DateTime<Utc>) -> Self {
        Self {
            schedule,
            version,
            next_at: None,
            due_at: None,
            blocked_by: None,
            written_at: at,
            state: ScheduleState {
                created_at: at,
                paused: None,
                last: None,
                open_runs: Vec::new(),
                skipped: 0,
                refusal: None,
            },
        }
    }
}
