//! An attempt of a stage.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Cost;

/// One attempt of a stage. The engine derives it from the events of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct AttemptRecord {
    /// The run's generation.
    pub generation: u32,
    /// The number of the attempt in its generation; 1 for the first. An attempt that did not count has the number of the
    /// one after it.
    pub number: u32,
    /// Whether it was the check of a stage that waits, and not its body. Only checks that failed are listed.
    pub is_check: bool,
    /// The outcome.
    pub outcome: AttemptOutcome,
    /// The reason, where it failed or did not count.
    pub error: Option<String>,
    /// The number of the worker that ran it; `None` for a check, and until the worker has registered.
    pub worker: Option<u32>,
    /// The id of that worker, as long as the store knows it.
    pub worker_id: Option<String>,
    /// The instant at which a worker claimed it; `None` for a check.
    pub started_at: Option<DateTime<Utc>>,
    /// The instant at which its outcome was committed. Of a stage that waits, the end of the wait.
    pub ended_at: Option<DateTime<Utc>>,
    /// The cost of its settled calls of models. Calls of a check count for the attempt with the check's number.
    pub cost: Cost,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// A worker has it.
    Running,
    /// The body has ended, and the stage waits for something outside.
    Waiting,
    /// The stage has completed.
    Completed,
    /// It failed, or its worker was lost, and another attempt followed or will follow.
    Retried,
    /// It failed, and the stage with it.
    Failed,
    /// It went back to the queue, and does not count.
    Returned,
    /// The run ended before it did.
    Cancelled,
}
