//! What a claim asks for, and what it finds.

use std::collections::HashMap;
use std::sync::Arc;

use super::decision::{Change, Decision, Precondition, Revision};
use crate::records::{Claimant, ClaimedJob, RunRecord};
use crate::value::RunId;

/// Who claims, of which definitions, and how much.
#[derive(Clone, Debug)]
pub struct ClaimRequest {
    /// Who, and for how long.
    pub claim: Claimant,
    /// The definitions (fingerprints) whose work the claimer can do.
    pub definitions: Vec<String>,
    /// Those of them that had a turn, the latest last; they come after the others. Empty for a claimer that does not
    /// remember: then the oldest is first.
    pub recently_served: Vec<String>,
    /// At most this many.
    pub limit: usize,
    /// Whether `PENDING` runs have a place in the queue, which is theirs whatever becomes of it.
    pub runs: bool,
    /// How those of them are started about which that is known.
    pub starts: Arc<StartPlans>,
}

/// What a claim has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClaimedWork {
    /// Jobs, those of runs that the claim has started among them; the claimer holds them.
    pub jobs: Vec<ClaimedJob>,
    /// Runs that the claim has started, with or without jobs in this answer.
    pub started: Vec<RunId>,
    /// `PENDING` runs whose turn it is, in their order, each in one of the `max` places, and which the claim could not
    /// start: the claimer is to do so. Nothing keeps others from being faster.
    pub runs: Vec<RunRecord>,
    /// The highest priority among what was seen and not taken. `None` where nothing more waits.
    pub remaining_priority: Option<i32>,
}

impl ClaimedWork {
    /// Whether the claim has found nothing that it could take or leave to the claimer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.started.is_empty() && self.runs.is_empty()
    }
}

/// How runs are started that nobody has started: the changes, by the definition's fingerprint.
#[derive(Debug, Default)]
pub struct StartPlans(HashMap<String, Vec<Change>>);

impl StartPlans {
    /// Says by which changes runs of a definition are started; their jobs are claimed where there is room.
    pub fn insert(&mut self, definition: String, changes: Vec<Change>) {
        self.0.insert(definition, changes);
    }

    /// The decision that starts a run and claims the first `slots` of its jobs; `None` where it is not known how. It is
    /// missed where somebody else is faster.
    #[must_use]
    pub fn decision_for(&self, run: &RunRecord, claim: &Claimant, slots: usize) -> Option<Decision> {
        let mut changes = self.0.get(&run.definition_fingerprint)?.clone();
        let jobs = changes.iter_mut().filter_map(|change| match change {
            Change::Enqueue { claim, .. } => Some(claim),
            _ => None,
        });
        for job in jobs.take(slots) {
            *job = Some(claim.clone());
        }
        let revision = Revision { version: run.version, last_sequence: run.last_sequence };
        Some(Decision {
            run_id: run.id,
            precondition: Precondition::Revision(revision),
            idempotency: None,
            changes,
        })
    }
}
