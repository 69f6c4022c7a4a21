//! What became of a decision.

use crate::records::{ClaimedJob, Status};
use crate::value::Json;

/// What became of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// It is on disk.
    Applied(Applied),
    /// Its guard did not hold; nothing was written.
    PreconditionFailed,
    /// Its idempotency key is taken; nothing was written.
    Duplicate {
        /// The hash of the request that took it.
        request_hash: String,
        /// What that request was answered.
        result: Json,
    },
}

/// What a commit brought about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The jobs that its claims took.
    pub claimed: Vec<ClaimedJob>,
    /// The stages whose jobs became ready for anybody.
    pub ready: Vec<String>,
    /// The run's terminal status, where this commit ended it.
    pub ended: Option<Status>,
}
