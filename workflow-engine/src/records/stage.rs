//! A stage of a run.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cost_summary::CostSummary;
use super::status::Status;
use super::stored_value::StoredValue;
use crate::value::{Cost, Json, Place, RunId, StageKey};

/// A stored stage of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageRecord {
    /// The run.
    pub run_id: RunId,
    /// The stage's id.
    pub stage_id: String,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The stage's name, for people.
    pub stage_name: String,
    /// The 1-based position in reading order.
    pub stage_number: u32,
    /// The 1-based level: the length of the longest path to the stage.
    pub execution_group: u32,
    /// The run's generation in which the stage last ran or will run.
    pub generation: u32,
    /// `PENDING`, `RUNNING`, `SUSPENDED`, `COMPLETED`, `FAILED`, `CANCELLED`, or `SKIPPED` in an arm that was not taken.
    pub status: Status,
    /// The number of attempts in this generation.
    pub attempt: u32,
    /// The number of predecessors that have not completed. At 0 the stage is ready. A `match` before it counts as one, or as
    /// the branches with which its widest arm ends.
    pub waiting_on: u32,
    /// The number of the arm that the stage's output has chosen, from 0, if it is the stage of a `match`.
    pub arm: Option<u32>,
    /// Why a stage of the `catch` failed that this stage ends, as JSON: see [`StageFailure`](super::StageFailure).
    pub failure: Option<Json>,
    /// The ticket of a suspended stage: its reference to the work of the remote service. Committed once.
    pub suspended_state: Option<StoredValue>,
    /// The instant at which the wait of a suspended stage times out.
    pub max_wait_until: Option<DateTime<Utc>>,
    /// The output.
    pub output: Option<StoredValue>,
    /// The reason why the latest attempt failed; cleared when a later one succeeds.
    pub error_message: Option<String>,
    /// The metrics by name.
    pub metrics: BTreeMap<String, f64>,
    /// The cost of the stage's model calls, and its budget.
    pub spending: CostSummary,
    /// The most that the refused call can cost, while the stage waits for its budget.
    pub awaited_cost: Option<Cost>,
    /// The instant at which the latest attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// The instant at which the stage reached a terminal status.
    pub completed_at: Option<DateTime<Utc>>,
}

impl StageRecord {
    /// Returns the stage's key.
    #[must_use]
    pub fn key(&self) -> StageKey {
        StageKey { id: self.stage_id.clone(), place: self.place.clone() }
    }

    /// Returns whether the stage has this key.
    pub(crate) fn is(&self, key: &StageKey) -> bool {
        key.is(&self.stage_id, &self.place)
    }
}
