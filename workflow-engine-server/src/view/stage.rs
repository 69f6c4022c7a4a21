//! A stage of a run.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::records::{CostSummary, StageRecord};
use workflow_engine::{Cost, Place, StageFailure, StageKey, Status};

/// A stage of a run, without its payloads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageView {
    /// The stage's id.
    pub id: String,
    /// The place of the stage in its run; absent outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The name, for people.
    pub name: String,
    /// The 1-based position in reading order.
    pub number: u32,
    /// The 1-based level: the length of the longest path to the stage.
    pub execution_group: u32,
    /// The generation in which the stage last ran or will run.
    pub generation: u32,
    /// `PENDING`, `RUNNING`, `SUSPENDED`, `COMPLETED`, `FAILED`, `CANCELLED`, or `SKIPPED` where a `match` took another
    /// arm.
    pub status: Status,
    /// The number of attempts in this generation.
    pub attempt: u32,
    /// The number of predecessors that have not completed.
    pub waiting_on: u32,
    /// The number of the arm that the stage's output has chosen, from 0; `null` unless it is the stage of a `match`.
    pub arm: Option<u32>,
    /// Why a stage of the `catch` failed that this stage ends; `null` unless one did.
    pub failure: Option<StageFailure>,
    /// Whether the stage has an output.
    pub has_output: bool,
    /// Whether the stage has a ticket: its reference to the work of a remote service.
    pub has_ticket: bool,
    /// The reason why the latest attempt failed.
    pub error: Option<String>,
    /// The metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// The cost of its model calls, and its budget.
    pub costs: CostSummary,
    /// The most that the refused call can cost, while the stage waits for its budget.
    pub awaited_cost: Option<Cost>,
    /// The instant at which the latest attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// The instant at which the stage ended.
    pub completed_at: Option<DateTime<Utc>>,
    /// The instant at which the wait of a suspended stage times out.
    pub max_wait_until: Option<DateTime<Utc>>,
}

impl StageView {
    /// Returns the stage's key: `embed`, or `embed[17]` in a repeated part.
    #[must_use]
    pub fn key(&self) -> StageKey {
        StageKey::new(self.id.clone(), self.place.clone())
    }
}

impl From<StageRecord> for StageView {
    fn from(stage: StageRecord) -> Self {
        Self {
            arm: stage.arm,
            failure: stage.failure.as_ref().and_then(|failure| failure.decode().ok()),
            has_output: stage.output.is_some(),
            has_ticket: stage.suspended_state.is_some(),
            id: stage.stage_id,
            place: stage.place,
            name: stage.stage_name,
            number: stage.stage_number,
            execution_group: stage.execution_group,
            generation: stage.generation,
            status: stage.status,
            attempt: stage.attempt,
            waiting_on: stage.waiting_on,
            error: stage.error_message,
            metrics: stage.metrics,
            costs: stage.spending,
            awaited_cost: stage.awaited_cost,
            started_at: stage.started_at,
            completed_at: stage.completed_at,
            max_wait_until: stage.max_wait_until,
        }
    }
}
