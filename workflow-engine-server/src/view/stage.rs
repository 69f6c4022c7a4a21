//! A stage of a run.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use workflow_engine::records::{CostSummary, StageRecord};
use workflow_engine::{Cost, StageFailure, Status};

/// A stage of a run, without its payloads.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct StageView {
    /// The stage's id.
    id: String,
    /// The name, for people.
    name: String,
    /// The 1-based position in reading order.
    number: u32,
    /// The 1-based level: the length of the longest path to the stage.
    execution_group: u32,
    /// The generation in which the stage last ran or will run.
    generation: u32,
    /// `PENDING`, `RUNNING`, `SUSPENDED`, `COMPLETED`, `FAILED`, `CANCELLED`, or `SKIPPED` where a `match` took another
    /// arm.
    status: Status,
    /// The number of attempts in this generation.
    attempt: u32,
    /// The number of predecessors that have not completed.
    waiting_on: u32,
    /// The number of the arm that the stage's output has chosen, from 0; `null` unless it is the stage of a `match`.
    arm: Option<u32>,
    /// Why a stage of the `catch` failed that this stage ends; `null` unless one did.
    failure: Option<StageFailure>,
    /// Whether the stage has an output.
    has_output: bool,
    /// Whether the stage has a ticket: its reference to the work of a remote service.
    has_ticket: bool,
    /// The reason why the latest attempt failed.
    error: Option<String>,
    /// The metrics by name.
    metrics: BTreeMap<String, f64>,
    /// The cost of its model calls, and its budget.
    costs: CostSummary,
    /// The most that the refused call can cost, while the stage waits for its budget.
    awaited_cost: Option<Cost>,
    /// The instant at which the latest attempt began.
    started_at: Option<DateTime<Utc>>,
    /// The instant at which the stage ended.
    completed_at: Option<DateTime<Utc>>,
    /// The instant at which the wait of a suspended stage times out.
    max_wait_until: Option<DateTime<Utc>>,
}

impl From<StageRecord> for StageView {
    fn from(stage: StageRecord) -> Self {
        Self {
            arm: stage.arm,
            failure: stage.failure.as_ref().and_then(|failure| failure.decode().ok()),
            has_output: stage.output.is_some(),
            has_ticket: stage.suspended_state.is_some(),
            id: stage.stage_id,
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
