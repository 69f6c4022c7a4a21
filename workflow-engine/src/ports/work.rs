//! What a claim asks for, and what it finds.

use crate::records::{Claim, ClaimedJob, RunRecord};

/// Who claims, of which definitions, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkClaim {
    /// Who, and for how long.
    pub claim: Claim,
    /// The definitions (fingerprints) whose work the claimer can do.
    pub definitions: Vec<String>,
    /// Those of them that had a turn, the latest last; they come after the others. Empty for a claimer that does not
    /// remember: then the oldest is first.
    pub served: Vec<String>,
    /// At most this many.
    pub max: usize,
    /// Whether the claimer also starts `PENDING` runs: then these have a place in the queue, and it is left free.
    pub runs: bool,
}

/// What a claim has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimedWork {
    /// Jobs; the claimer holds them.
    pub jobs: Vec<ClaimedJob>,
    /// `PENDING` runs whose turn it is, in their order, each in one of the `max` places: the claimer is to start them.
    /// Nothing keeps others from being faster.
    pub runs: Vec<RunRecord>,
    /// The highest priority among what was seen and not taken. `None` where nothing more waits.
    pub left: Option<i32>,
}
