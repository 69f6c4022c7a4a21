//! What a run has done over time.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::attempt::AttemptRecord;
use super::status::Status;
use crate::value::{Place, RunId};

/// What a run has done over time: its generations, and the attempts and waits of its stages. The engine derives it from
/// the events of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct Timeline {
    /// The run.
    pub run_id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The run's status.
    pub status: Status,
    /// The instant at which the run was created.
    pub created_at: DateTime<Utc>,
    /// The sequence number of the last event that was read.
    pub last_sequence: u64,
    /// Whether these are all events. Of a run with more than 50,000, the first ones are read.
    pub is_complete: bool,
    /// The generations, oldest first; none before the run has started.
    pub generations: Vec<TimelineGeneration>,
    /// The stages in reading order; of a run that has not started, none.
    pub stages: Vec<StageTimeline>,
}

/// A generation of a run: from its start or a rerun to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct TimelineGeneration {
    /// 1, and one more with each rerun.
    pub number: u32,
    /// The instant at which its first stages became ready.
    pub started_at: DateTime<Utc>,
    /// The instant at which it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// `COMPLETED`, `FAILED` or `CANCELLED`; `RUNNING` until it ends.
    pub status: Status,
    /// The reason why it failed or was cancelled.
    pub error: Option<String>,
}

/// What one stage has done over time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct StageTimeline {
    /// The stage's id.
    pub stage_id: String,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The stage's name, for people.
    pub stage_name: String,
    /// The 1-based position in reading order.
    pub stage_number: u32,
    /// The id of the workflow that the stage runs, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child_workflow_id: Option<String>,
    /// The attempts in all generations, oldest first.
    pub attempts: Vec<AttemptRecord>,
    /// The times in which the stage could have run, or had begun, and no worker ran it; oldest first.
    pub waits: Vec<StageWait>,
}

/// A time in which a stage waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct StageWait {
    /// The run's generation.
    pub generation: u32,
    /// What it waited for.
    pub reason: WaitReason,
    /// The instant at which the wait began.
    pub from: DateTime<Utc>,
    /// The instant at which it ended; `None` while it lasts. The end of a backoff or a delay may lie in the
    /// future.
    pub to: Option<DateTime<Utc>>,
}

/// What a stage waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitReason {
    /// A worker: the stage is in the queue.
    Worker,
    /// The backoff after an attempt that failed.
    Backoff,
    /// Something outside: its check has not found it ready.
    External,
    /// The run that it has started.
    Child,
    /// The `delay` before it.
    Delay,
}
