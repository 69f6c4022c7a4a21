//! The ids and limits of one attempt.

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::value::RunId;

/// The ids and limits of one attempt.
#[derive(Clone, Debug)]
pub struct StageScope {
    /// The run.
    pub run_id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The stage's id.
    pub stage_id: String,
    /// 1 for the first attempt of this generation.
    pub attempt: u32,
    /// 1 for a fresh run; a rerun opens the next.
    pub generation: u32,
    /// When the stage's timeout ends this attempt.
    pub deadline: Option<DateTime<Utc>>,
    /// Cancelled when the run is cancelled, the lease is lost, the deadline has passed or the worker stops.
    pub cancellation: CancellationToken,
}
