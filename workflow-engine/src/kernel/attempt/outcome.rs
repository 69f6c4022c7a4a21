//! The outcome of one attempt of a stage.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::lost_lease::is_lost_to_another;
use crate::records::{ClaimedJob, Lease};

/// The outcome of one attempt of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case", try_from = "Wire")]
pub enum JobOutcome {
    /// The output is committed, by this delivery of the job or by an earlier one.
    Completed,
    /// The stage waits for something outside: its ticket is committed, or a check was not ready.
    Suspended {
        /// The time until the next check.
        #[serde(rename = "check_after_ms", with = "crate::value::milliseconds")]
        check_after: Duration,
    },
    /// The attempt failed. With `retryable` another attempt follows; without it the stage has failed, and its run with it
    /// unless a `catch` is around the stage.
    Failed {
        /// The reason.
        error: String,
        /// Whether another attempt follows.
        retryable: bool,
    },
    /// The host stopped, or a port stayed unavailable. The job is in the queue again, and the attempt does not count.
    HandedBack,
    /// There was nothing to execute, or the result is no longer wanted: the run has ended, or another worker has the
    /// job. Nothing was written.
    #[serde(rename = "ghost")]
    Superseded {
        /// The state of the run or of the job.
        reason: String,
    },
}

/// The fields of every outcome. An enum with a tag buffers its fields, and a buffered number is not one any more if
/// another crate turns on the feature `arbitrary_precision` of `serde_json`.
#[derive(Deserialize)]
struct Wire {
    outcome: String,
    check_after_ms: Option<u64>,
    error: Option<String>,
    retryable: Option<bool>,
    reason: Option<String>,
}

impl TryFrom<Wire> for JobOutcome {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        let Wire { outcome, check_after_ms, error, retryable, reason } = wire;
        Ok(match (outcome.as_str(), check_after_ms, error, retryable, reason) {
            ("completed", ..) => Self::Completed,
            ("suspended", Some(after), ..) => Self::Suspended { check_after: Duration::from_millis(after) },
            ("failed", _, Some(error), Some(retryable), _) => Self::Failed { error, retryable },
            ("handed_back", ..) => Self::HandedBack,
            ("ghost", .., Some(reason)) => Self::Superseded { reason },
            _ => return Err(format!("`{outcome}` with these fields is no outcome of a job")),
        })
    }
}

/// The outcome of an executed job, with the jobs that its commit claimed.
pub(crate) struct Finished {
    pub(crate) outcome: JobOutcome,
    pub(crate) next: Vec<ClaimedJob>,
    /// When the commit that claimed them was sent, in time of `Clock::monotonic`.
    pub(crate) claimed: Duration,
}

impl Finished {
    pub(super) fn with(outcome: JobOutcome) -> Self {
        Self { outcome, next: Vec::new(), claimed: Duration::ZERO }
    }

    /// The result of an attempt whose lease was lost, or whose run has ended.
    pub(super) async fn superseded(kernel: &Kernel, lease: &Lease) -> Self {
        if is_lost_to_another(kernel, lease).await {
            tracing::warn!(run = %lease.run_id, stage = %lease.stage_key, "an outcome came too late: the lease is lost, and nothing was written");
        }
        Self::with(JobOutcome::Superseded {
            reason: Error::lease_lost(lease.run_id, &lease.stage_key).to_string(),
        })
    }
}
