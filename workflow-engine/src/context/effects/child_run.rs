//! A run that a stage starts.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::value::{Cost, Json, RunId};

/// A run that a stage starts with [`StageContext::start`](crate::StageContext::start). The commit of the stage's outcome
/// creates it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildRun {
    /// The id that the run will have.
    pub run_id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The version of the workflow.
    pub version: u32,
    /// The input.
    pub input: Json,
    /// The configuration; `None` for the defaults.
    pub config: Option<Json>,
    /// The idempotency key.
    pub idempotency_key: Option<String>,
    /// The priority; `None` before the engine has set that of the parent.
    pub priority: Option<i32>,
    /// The tags, with those of the parent when the engine has added them.
    pub tags: BTreeMap<String, String>,
    /// The data of the stage about the run.
    pub metadata: Option<Json>,
    /// The highest cost of its calls of models.
    pub budget: Option<Cost>,
    /// The instant at which it starts; `None` for at once.
    pub start_at: Option<DateTime<Utc>>,
    /// How long after the commit it starts.
    pub start_after: Option<Duration>,
    /// The longest time of the run.
    pub deadline: Option<Duration>,
    /// Whether the stage waits for its end.
    pub is_awaited: bool,
    /// The number of runs above it; 0 before the engine has set it.
    pub(crate) depth: u32,
}

impl ChildRun {
    /// A run with the defaults of all options.
    pub(crate) fn new(workflow_id: String, version: u32, input: Json) -> Self {
        Self {
            run_id: RunId::generate(),
            workflow_id,
            version,
            input,
            config: None,
            idempotency_key: None,
            priority: None,
            tags: BTreeMap::new(),
            metadata: None,
            budget: None,
            start_at: None,
            start_after: None,
            deadline: None,
            is_awaited: false,
            depth: 0,
        }
    }

    /// Returns whether the other run is the same request, as far as an idempotency key compares it.
    pub(crate) fn is_same_request(&self, other: &Self) -> bool {
        self.workflow_id == other.workflow_id && self.input == other.input && self.config == other.config
    }
}
