//! A claim of work: its request and its result.

use std::sync::Arc;

use super::start_plans::StartPlans;
use crate::records::{Claimant, ClaimedJob, RunRecord};
use crate::value::RunId;

/// A request for jobs to run, and for runs to start.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// The claimant, and the length of its leases.
    pub claim: Claimant,
    /// The definitions (fingerprints) that the claimant has.
    pub definitions: Vec<String>,
    /// The definitions that had a turn in earlier claims, the latest last. They come after the others. Empty for a
    /// claimant that keeps no record of turns: then the oldest work comes first.
    pub recently_served: Vec<String>,
    /// The most jobs and runs to claim.
    pub limit: usize,
    /// Whether `PENDING` runs take places in the queue. A run keeps its place whether or not the claim can start it.
    pub runs: bool,
    /// The plans by which the claim starts runs.
    pub starts: Arc<StartPlans>,
}

/// The result of a claim.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimedWork {
    /// The claimed jobs, including those of runs that the claim has started.
    pub jobs: Vec<ClaimedJob>,
    /// The runs that the claim has started, whether or not it has claimed jobs of them.
    pub started: Vec<RunId>,
    /// `PENDING` runs that took a place and that the claim could not start, in order. The claimant starts them. They are
    /// not locked, so another claimant may be faster.
    pub runs: Vec<RunRecord>,
    /// The highest priority among the work that the claim has seen and left. `None` where no work is left.
    pub remaining_priority: Option<i32>,
}

impl ClaimedWork {
    /// Returns whether the claim has found no work.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.started.is_empty() && self.runs.is_empty()
    }
}
