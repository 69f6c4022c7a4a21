//! The outcome of committing a decision.

use std::time::Duration;

use crate::records::{ClaimedJob, Status};
use crate::value::{Json, StageKey};

/// The outcome of committing a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// The decision is durable.
    Applied(Applied),
    /// The precondition did not hold; nothing was written.
    PreconditionFailed,
    /// The idempotency key is taken; nothing was written.
    Duplicate {
        /// The hash of the request that took the key.
        request_hash: String,
        /// The result of that request.
        result: Json,
    },
}

/// The effects of an applied decision that its caller acts on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The jobs that the decision claimed.
    pub claimed: Vec<ClaimedJob>,
    /// The stages whose jobs became claimable by any worker.
    pub ready: Vec<StageKey>,
    /// The run's terminal status, where this commit ended the run.
    pub ended: Option<Status>,
    /// How long that run took from its start, or from that of its last rerun; `None` where it did not end here, or had not
    /// started.
    pub run_time: Option<Duration>,
}
