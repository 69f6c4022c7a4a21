//! A run.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use workflow_engine::records::{CostSummary, Phase, RunRecord};
use workflow_engine::{RunId, Status};

use super::stage::StageView;

/// A run, without its payloads.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct RunView {
    /// The run's id.
    pub(crate) id: RunId,
    /// The workflow's id.
    workflow_id: String,
    /// The fingerprint of the definition with which the run was created.
    definition: String,
    /// `PENDING`, `RUNNING`, `COMPLETED`, `FAILED` or `CANCELLED`.
    pub(crate) status: Status,
    /// What the run does now.
    phase: Phase,
    /// The priority. Runs with a higher one are claimed first.
    priority: i32,
    /// The generation: 1, and one more with each rerun.
    generation: u32,
    /// The sequence number of the newest event.
    last_sequence: u64,
    /// The number of stages that are ready or running.
    active_stages: u32,
    /// The number of stages that wait for something outside.
    suspended_stages: u32,
    /// The reason why the run failed.
    error: Option<ErrorView>,
    /// The reason that the caller of the cancellation gave.
    cancel_reason: Option<String>,
    /// The cost of the run's model calls, and its budget.
    costs: CostSummary,
    /// The instant at which the run was created.
    created_at: DateTime<Utc>,
    /// The instant at which this generation started.
    started_at: Option<DateTime<Utc>>,
    /// The instant at which the run ended.
    completed_at: Option<DateTime<Utc>>,
}

/// A run of a list.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ListedRun {
    /// The run.
    #[serde(flatten)]
    pub(crate) run: RunView,
    /// The tags by key.
    pub(crate) tags: BTreeMap<String, String>,
}

/// A code and a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ErrorView {
    /// The stable code.
    pub(crate) code: String,
    /// The text for people.
    pub(crate) message: String,
}

/// A run with its stages.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct RunDetail {
    /// The run.
    pub(crate) run: RunView,
    /// The stages in reading order; none before the run has started.
    pub(crate) stages: Vec<StageView>,
    /// The tags by key.
    pub(crate) tags: BTreeMap<String, String>,
    /// Why the run cannot continue although it has not failed, as far as the server can tell.
    pub(crate) blocked_reason: Option<ErrorView>,
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
            created_at: run.created_at,
            started_at: run.started_at,
            completed_at: run.completed_at,
        }
    }
}
