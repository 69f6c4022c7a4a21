//! A job: a stage that is ready, in the queue or under a lease.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::status::Status;
use crate::value::RunId;

/// One job as it is stored. There is at most one for a stage of a run; it is deleted when the stage completes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRecord {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_id: String,
    /// The workflow's id.
    pub workflow_id: String,
    /// The definition that the run was created with: only a worker that has it claims the job.
    pub definition_fingerprint: String,
    /// The run's generation that it belongs to.
    pub generation: u32,
    /// `PENDING`, `RUNNING`, `SUSPENDED` or `DEAD`.
    pub status: Status,
    /// The run's priority.
    pub priority: i32,
    /// Counted at the claim, so a crash counts.
    pub attempt: u32,
    /// No claim beyond this many attempts.
    pub max_attempts: u32,
    /// Raised by each claim and reset by nothing: the fence.
    pub lease_epoch: u64,
    /// Who holds the lease.
    pub worker_id: Option<String>,
    /// When the lease ends.
    pub leased_until: Option<DateTime<Utc>>,
    /// Not claimed before this instant.
    pub run_at: DateTime<Utc>,
    /// A wake that came while a check was running: another check follows at once.
    pub woken: bool,
}

impl JobRecord {
    /// Whether somebody holds it, or will be able to claim it some time, for a run in this generation.
    pub(crate) const fn moves(&self, generation: u32) -> bool {
        self.generation == generation
            && match self.status {
                Status::Running => true,
                Status::Pending | Status::Suspended => self.attempt < self.max_attempts,
                _ => false,
            }
    }
}

/// The right to write the outcome of one claim. Every write of a worker is conditional on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_id: String,
    /// The run's generation at the claim.
    pub generation: u32,
    /// The epoch that the claim raised the job to.
    pub epoch: u64,
}

/// Who claims, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// The worker.
    pub worker_id: String,
    /// The lease ends this long after the claim unless it is renewed.
    pub lease: Duration,
}

impl Claimant {
    /// The priority of a run that names none, and of every check of a stage that waits.
    pub const DEFAULT_PRIORITY: i32 = 5;
}

/// A job that a worker now holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedJob {
    /// The fence of every write to come.
    pub lease: Lease,
    /// The workflow's id.
    pub workflow_id: String,
    /// The definition that the run was created with.
    pub definition_fingerprint: String,
    /// The run's.
    pub priority: i32,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The last attempt's number.
    pub max_attempts: u32,
    /// Whether the stage is `SUSPENDED`: the claim is for a check, not for its body.
    pub is_poll: bool,
    /// The idempotency key of the `job.execute` that claimed it, whose answer is committed with the outcome. A store
    /// knows nothing of it.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}
