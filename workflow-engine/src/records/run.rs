//! A run: one execution of a workflow.

use chrono::{DateTime, Utc};

use super::spending::CostSummary;
use super::status::Status;
use super::value::StoredValue;
use crate::value::{Json, RunId};

/// One run as it is stored, without what only its stages need.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// The run's id.
    pub id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The definition it was created with; it is executed against no other.
    pub definition_fingerprint: String,
    /// `PENDING`, `RUNNING`, `COMPLETED`, `FAILED` or `CANCELLED`.
    pub status: Status,
    /// Higher is claimed first; default 5.
    pub priority: i32,
    /// Moved by structural changes alone: start, end, rerun.
    pub version: u64,
    /// 1, and one more with each rerun.
    pub generation: u32,
    /// The sequence number of its newest event.
    pub last_sequence: u64,
    /// How many of the stages that make up its output are still to complete; 0 ends it.
    pub waiting_on: u32,
    /// How many of its stages are ready or running.
    pub active: u32,
    /// How many of its stages wait for something outside.
    pub suspended: u32,
    /// The output where one stage delivers it; a last group's outputs stay with their stages.
    pub output: Option<StoredValue>,
    /// Why it failed.
    pub error: Option<RunError>,
    /// What `run.cancel` was told.
    pub cancel_reason: Option<String>,
    /// What its calls of models have cost, and may cost.
    pub spending: CostSummary,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When this generation's first stages were made ready.
    pub started_at: Option<DateTime<Utc>>,
    /// When it reached a terminal status.
    pub completed_at: Option<DateTime<Utc>>,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunError {
    /// Stable: `STAGE_FAILED`, `WORKER_LOST`, `EMPTY_STAGE_GRAPH`, …
    pub code: String,
    /// The stage's id and the text of its failure.
    pub message: String,
}

/// What a run was started with. It never changes, so it is read once and apart from the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRequest {
    /// The input in its stored form.
    pub input: Json,
    /// The complete configuration: every stage's id with all its fields.
    pub config: Json,
    /// What the caller attached.
    pub metadata: Option<Json>,
}
