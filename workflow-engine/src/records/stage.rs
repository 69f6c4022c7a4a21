//! A stage of a run.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::spending::CostSummary;
use super::status::Status;
use super::value::StoredValue;
use crate::value::{Cost, RunId};

/// One stage of one run as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StageRecord {
    /// The run.
    pub run_id: RunId,
    /// The stage's id.
    pub stage_id: String,
    /// For people.
    pub stage_name: String,
    /// 1-based position in reading order.
    pub stage_number: u32,
    /// 1-based longest-path level.
    pub execution_group: u32,
    /// The run's generation that it belongs to.
    pub generation: u32,
    /// `PENDING`, `RUNNING`, `SUSPENDED`, `COMPLETED`, `FAILED` or `CANCELLED`.
    pub status: Status,
    /// Attempts so far in this generation.
    pub attempt: u32,
    /// How many of the stages before it are still to complete; 0 makes it ready.
    pub waiting_on: u32,
    /// What a stage that waits handed to the far side; committed once.
    pub suspended_state: Option<StoredValue>,
    /// When a stage that waits is given up.
    pub max_wait_until: Option<DateTime<Utc>>,
    /// What it delivered.
    pub output: Option<StoredValue>,
    /// Why its latest attempt failed; cleared when a later one succeeds.
    pub error_message: Option<String>,
    /// What it has measured, by name.
    pub metrics: BTreeMap<String, f64>,
    /// What its calls of models have cost, and may cost.
    pub spending: CostSummary,
    /// What the call that it was refused can cost, while it waits for its budget.
    pub awaited_cost: Option<Cost>,
    /// When its latest attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it reached a terminal status.
    pub completed_at: Option<DateTime<Utc>>,
}
