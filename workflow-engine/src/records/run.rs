//! A run: one execution of a workflow.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cost_summary::CostSummary;
use super::present_field::present;
use super::run_parent::RunParent;
use super::run_times::RunTimes;
use super::status::Status;
use super::stored_value::StoredValue;
use crate::value::{Json, RunId};

/// A stored run. Its [`RunRequest`] is stored apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunRecord {
    /// The run's id.
    pub id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The fingerprint of the definition with which the run was created. No other definition executes it.
    pub definition_fingerprint: String,
    /// `PENDING`, `RUNNING`, `COMPLETED`, `FAILED` or `CANCELLED`.
    pub status: Status,
    /// The priority. Runs with a higher one are claimed first. Default 5.
    pub priority: i32,
    /// The version, which structural changes move: start, end, rerun, recount.
    pub version: u64,
    /// The generation: 1, and one more with each rerun.
    pub generation: u32,
    /// The sequence number of the run's newest event.
    pub last_sequence: u64,
    /// The number of stages that make up the output and have not completed. At 0 the run is completed.
    pub waiting_on: u32,
    /// The number of stages that are ready or running.
    pub active: u32,
    /// The number of stages that wait for something outside.
    pub suspended: u32,
    /// The output, where one stage delivers it. The outputs of a group of last stages stay with their stages.
    pub output: Option<StoredValue>,
    /// The reason why the run failed.
    pub error: Option<RunError>,
    /// The reason that the caller of `run.cancel` gave.
    pub cancel_reason: Option<String>,
    /// The cost of the run's model calls, and its budget.
    pub spending: CostSummary,
    /// The start and the deadline.
    #[serde(flatten)]
    pub times: RunTimes,
    /// The run that has started this one, if a stage of a run did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunParent>,
    /// The instant at which the run was created.
    pub created_at: DateTime<Utc>,
    /// The instant at which the first stages of this generation became ready.
    pub started_at: Option<DateTime<Utc>>,
    /// The instant at which the run reached a terminal status.
    pub completed_at: Option<DateTime<Utc>>,
}

impl RunRecord {
    /// Returns the number of runs above this one: 0 for a run that no stage has started.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.parent.as_ref().map_or(0, |parent| parent.depth)
    }
}

/// The reason why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunError {
    /// The stable code: `STAGE_FAILED`, `WORKER_LOST`, `EMPTY_STAGE_GRAPH`, …
    pub code: String,
    /// The stage's id and the text of its failure.
    pub message: String,
}

/// The request that created a run. It never changes, so it is stored and read apart from the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRequest {
    /// The input in its stored form.
    pub input: Json,
    /// The complete configuration: every stage's id with all its fields.
    pub config: Json,
    /// The caller's metadata.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub metadata: Option<Json>,
}
