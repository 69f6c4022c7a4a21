//! A run.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::records::{CostSummary, Phase, RunParent, RunProgress, RunRecord};
use workflow_engine::{RunId, Status};

use super::stage::StageView;

/// A run, without its payloads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunView {
    /// The run's id.
    pub id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The fingerprint of the definition with which the run was created.
    pub definition: String,
    /// `PENDING`, `RUNNING`, `COMPLETED`, `FAILED` or `CANCELLED`.
    pub status: Status,
    /// What the run does now.
    pub phase: Phase,
    /// The priority. Runs with a higher one are claimed first.
    pub priority: i32,
    /// The generation: 1, and one more with each rerun.
    pub generation: u32,
    /// The sequence number of the newest event.
    pub last_sequence: u64,
    /// The number of stages that are ready or running.
    pub active_stages: u32,
    /// The number of stages that wait for something outside.
    pub suspended_stages: u32,
    /// The reason why the run failed.
    pub error: Option<ErrorView>,
    /// The reason that the caller of the cancellation gave.
    pub cancel_reason: Option<String>,
    /// The cost of the run's model calls, and its budget.
    pub costs: CostSummary,
    /// The instant before which the run is not started; `null` for a run that starts at once.
    pub due_at: Option<DateTime<Utc>>,
    /// The instant at which the run fails, unless it has ended; `null` without a deadline.
    pub deadline_at: Option<DateTime<Utc>>,
    /// The run and the stage that have started it; absent for a run that no stage has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<RunParent>,
    /// The instant at which the run was created.
    pub created_at: DateTime<Utc>,
    /// The instant at which this generation started.
    pub started_at: Option<DateTime<Utc>>,
    /// The instant at which the run ended.
    pub completed_at: Option<DateTime<Utc>>,
}

/// A run of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListedRun {
    /// The run.
    #[serde(flatten)]
    pub run: RunView,
    /// The tags by key.
    pub tags: BTreeMap<String, String>,
    /// How many of its stages have ended; `null` where the store does not have its definition.
    pub progress: Option<RunProgress>,
}

/// A code and a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorView {
    /// The stable code.
    pub code: String,
    /// The text for people.
    pub message: String,
}

/// A run with its stages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunDetail {
    /// The run.
    pub run: RunView,
    /// The stages in reading order; none before the run has started.
    pub stages: Vec<StageView>,
    /// The tags by key.
    pub tags: BTreeMap<String, String>,
    /// Why the run cannot continue although it has not failed, as far as the server can tell.
    pub blocked_reason: Option<ErrorView>,
}

impl From<RunRecord> for RunView {
    fn from(run: RunRecord) -> Self {
        let phase = run.phase();
        Self {
            id: run.id,
            workflow_id: run.workflow_id,
            definition: run.definition_fingerprint,
            status: run.status,
            phase,
            priority: run.priority,
            generation: run.generation,
            last_sequence: run.last_sequence,
            active_stages: run.active,
            suspended_stages: run.suspended,
            error: run.error.map(|error| ErrorView { code: error.code, message: error.message }),
            cancel_reason: run.cancel_reason,
            costs: run.spending,
            due_at: run.times.due_at,
            deadline_at: run.times.deadline_at,
            parent: run.parent,
            created_at: run.created_at,
            started_at: run.started_at,
            completed_at: run.completed_at,
        }
    }
}
