//! A lease: the right of a worker to write the outcome of one claim.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::value::{RunId, StageKey};

/// The right to write the outcome of one claim. Every write of a worker is conditional on it, so a worker whose job was
/// claimed again is fenced off.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    #[serde(rename = "stage_id")]
    pub stage_key: StageKey,
    /// The run's generation at the claim.
    pub generation: u32,
    /// The epoch to which the claim raised the job.
    pub epoch: u64,
}

/// A worker that claims jobs, with the length of its leases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// The worker's id.
    pub worker_id: String,
    /// The worker's number, which `stage:started` carries; `None` for one that has not registered.
    pub number: Option<u32>,
    /// The time after which a lease expires unless the worker renews it.
    pub lease: Duration,
}

impl Claimant {
    /// The priority of a run that names none, and of every check of a suspended stage.
    pub const DEFAULT_PRIORITY: i32 = 5;
}
