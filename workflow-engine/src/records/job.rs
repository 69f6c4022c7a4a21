//! A job: the entry of a ready stage in the queue.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::status::Status;
use crate::value::{Place, RunId, StageKey};

/// A stored job: the entry of a stage that is ready, running under a lease, suspended, or dead. A stage of a run has at
/// most one, which is deleted when the stage completes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobRecord {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_id: String,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The workflow's id.
    pub workflow_id: String,
    /// The fingerprint of the definition with which the run was created. Only a worker that has it claims the job.
    pub definition_fingerprint: String,
    /// The run's generation to which it belongs.
    pub generation: u32,
    /// `PENDING`, `RUNNING`, `SUSPENDED` or `DEAD`.
    pub status: Status,
    /// The run's priority.
    pub priority: i32,
    /// The number of attempts. A claim counts one, so a crash does too.
    pub attempt: u32,
    /// The number of the last attempt, after which the job is not claimed again: the attempts that the stage's policy
    /// allows, and one for each crash.
    pub max_attempts: u32,
    /// The number of attempts whose worker was lost.
    pub crashes: u32,
    /// The number of crashes after which the stage fails.
    pub max_crashes: u32,
    /// The fence. Each claim raises it, and nothing resets it.
    pub lease_epoch: u64,
    /// The worker that holds the lease.
    pub worker_id: Option<String>,
    /// The end of the lease.
    pub leased_until: Option<DateTime<Utc>>,
    /// The instant before which the job is not claimed.
    pub run_at: DateTime<Utc>,
    /// Whether the stage was woken while a check was running. Another check then follows at once.
    pub woken: bool,
}

impl JobRecord {
    /// Returns the key of its stage.
    #[must_use]
    pub fn key(&self) -> StageKey {
        StageKey { id: self.stage_id.clone(), place: self.place.clone() }
    }

    /// Returns whether it is the job of the stage with this key.
    pub(crate) fn is_of(&self, key: &StageKey) -> bool {
        key.is(&self.stage_id, &self.place)
    }

    /// Returns whether the job is leased or will become claimable, for a run in this generation.
    pub(crate) const fn moves(&self, generation: u32) -> bool {
        self.generation == generation
            && match self.status {
                Status::Running => true,
                Status::Pending | Status::Suspended => self.attempt < self.max_attempts,
                _ => false,
            }
    }
}
