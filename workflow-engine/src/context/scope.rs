//! The ids and limits of one attempt.

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::value::{RunId, StageKey};

/// The ids and limits of one attempt.
#[derive(Clone, Debug)]
pub struct StageScope {
    /// The run.
    pub run_id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The stage.
    pub stage_key: StageKey,
    /// The stage's name for display.
    pub stage_name: &'static str,
    /// The position of the stage in the workflow as it is written, from 1; 0 without a workflow.
    pub stage_number: u32,
    /// The number of the attempt in its generation, from 1.
    pub attempt: u32,
    /// The number of the last attempt, unless the worker is lost during this one.
    pub max_attempts: u32,
    /// The generation, from 1. Each rerun begins the next one.
    pub generation: u32,
    /// The instant at which the stage's timeout ends this attempt, or the run's deadline, if that is earlier.
    pub deadline: Option<DateTime<Utc>>,
    /// Cancelled when the run is cancelled, the worker loses its lease, the deadline passes or the worker stops.
    pub cancellation: CancellationToken,
}
