//! Claiming what was found to wait.

use chrono::{DateTime, Utc};

use super::apply::apply;
use super::footprint::Footprint;
use super::working_set::WorkingSet;
use crate::ports::{Change, ClaimRequest, ClaimedWork, Commit, Decision, Precondition};
use crate::records::{Claimant, RunRecord};
use crate::value::RunId;

/// A job that may be claimed.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) run_id: RunId,
    pub(super) stage_id: String,
    pub(super) generation: u32,
}

impl Candidate {
    /// The decision that claims it, if it still can be claimed.
    pub(super) fn claimed_by(self, claim: &Claimant) -> Decision {
        let Self { run_id, stage_id, generation } = self;
        Decision {
            run_id,
            precondition: Precondition::Claimable { stage_id: stage_id.clone(), generation },
            idempotency: None,
            changes: vec![Change::Claim { stage_id, claim: claim.clone() }],
        }
    }
}

/// What a claim takes.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// Jobs that are due.
    pub(super) jobs: Vec<Candidate>,
    /// Runs that nobody has started, whose turn it is.
    pub(super) runs: Vec<RunRecord>,
    /// The highest priority of what is left.
    pub(super) left: Option<i32>,
}

impl Chosen {
    #[cfg(feature = "postgres")]
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.runs.is_empty()
    }

    /// Adds what has to be loaded before it can be taken.
    pub(super) fn read(&self, work: &ClaimRequest, footprint: &mut Footprint) {
        for Candidate { run_id, stage_id, .. } in &self.jobs {
            footprint.add_stage(*run_id, stage_id.clone());
        }
        // What a decision reads does not depend on the room.
        for decision in self.runs.iter().filter_map(|run| work.starts.decision_for(run, &work.claim, 0)) {
            footprint.add(&decision);
        }
    }

    /// Claims the jobs and starts the runs; their rows are loaded. Each is a decision of its own, so one that cannot be
    /// carried out keeps nobody from the others.
    pub(super) fn take(self, work: &ClaimRequest, set: &mut WorkingSet, now: DateTime<Utc>) -> ClaimedWork {
        let mut taken = ClaimedWork { remaining_priority: self.left, ..ClaimedWork::default() };
        for candidate in self.jobs {
            match apply(set, &candidate.claimed_by(&work.claim), now) {
                Ok(Commit::Applied(applied)) => taken.jobs.extend(applied.claimed),
                Ok(Commit::PreconditionFailed | Commit::Duplicate { .. }) => {}
                Err(error) => tracing::error!(%error, "a due job cannot be claimed"),
            }
        }
        for run in self.runs {
            let slots = work.limit.saturating_sub(taken.jobs.len());
            match work
                .starts
                .decision_for(&run, &work.claim, slots)
                .map(|decision| apply(set, &decision, now))
            {
                Some(Ok(Commit::Applied(applied))) => {
                    taken.started.push(run.id);
                    taken.jobs.extend(applied.claimed);
                }
                Some(Ok(Commit::PreconditionFailed | Commit::Duplicate { .. })) => {}
                // Whoever claims finds out why.
                Some(Err(_)) | None => taken.runs.push(run),
            }
        }
        taken
    }
}
