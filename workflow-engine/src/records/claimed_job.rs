//! A job that a worker has claimed.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::lease::Lease;
use super::run_parent::RunParent;

/// A job that a worker has claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedJob {
    /// The lease, on which every write of the worker is conditional.
    pub lease: Lease,
    /// The workflow's id.
    pub workflow_id: String,
    /// The fingerprint of the definition with which the run was created.
    pub definition_fingerprint: String,
    /// The run's priority.
    pub priority: i32,
    /// The attempt; 1 for the first.
    pub attempt: u32,
    /// The number of the last attempt, unless the worker is lost during this one.
    pub max_attempts: u32,
    /// The number of earlier attempts whose worker was lost.
    pub crashes: u32,
    /// Whether the stage is `SUSPENDED`: the claim is then for a check, not for the body.
    pub is_poll: bool,
    /// The instant at which the run fails, unless it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_at: Option<DateTime<Utc>>,
    /// The run that waits for the end of this one, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaited_by: Option<RunParent>,
    /// How long the job was due before it was claimed; of the first stages of a run, how long the run had to wait.
    #[serde(skip)]
    pub waited: Duration,
    /// The idempotency key of the `job.execute` command that claimed the job. Its result is committed with the outcome.
    /// A store never sets it.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}
