//! Claiming the candidates that a claim has found: due jobs, and runs to start.

use chrono::{DateTime, Utc};

use super::apply::apply;
use super::footprint::Footprint;
use super::working_set::WorkingSet;
use crate::ports::{Change, ClaimRequest, ClaimedWork, Commit, Decision, Precondition};
use crate::records::{Claimant, RunRecord};
use crate::value::{RunId, StageKey};

/// A job that may be claimable.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) run_id: RunId,
    pub(super) stage_key: StageKey,
    pub(super) generation: u32,
}

impl Candidate {
    /// Returns the decision that claims the job; its precondition fails when another claimant was faster.
    pub(super) fn claim_decision(self, claim: &Claimant) -> Decision {
        let Self { run_id, stage_key, generation } = self;
        Decision {
            run_id,
            precondition: Precondition::Claimable { stage_key: stage_key.clone(), generation },
            command: "job.execute",
            idempotency: None,
            changes: vec![Change::Claim { stage_key, claim: claim.clone() }],
        }
    }
}

/// The candidates that a claim takes.
#[derive(Debug, Default)]
pub(super) struct Selection {
    /// Due jobs.
    pub(super) jobs: Vec<Candidate>,
    /// `PENDING` runs whose turn it is.
    pub(super) runs: Vec<RunRecord>,
    /// The highest priority among the candidates that the selection leaves in the queue.
    pub(super) remaining_priority: Option<i32>,
}

impl Selection {
    /// Returns whether there is nothing to claim.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.runs.is_empty()
    }

    /// Adds the rows that must be loaded before [`Selection::claim`].
    pub(super) fn extend_footprint(&self, work: &ClaimRequest, footprint: &mut Footprint) {
        for Candidate { run_id, stage_key, .. } in &self.jobs {
            footprint.add_stage(*run_id, stage_key.clone());
        }
        // The rows that a decision reads do not depend on the number of free slots.
        for decision in self.runs.iter().filter_map(|run| work.starts.decision_for(run, &work.claim, 0)) {
            footprint.add(&decision);
        }
    }

    /// Claims the jobs and starts the runs. Their rows are loaded. Each candidate is a separate decision, so one that
    /// cannot be applied does not affect the others.
    pub(super) fn claim(self, work: &ClaimRequest, set: &mut WorkingSet, now: DateTime<Utc>) -> ClaimedWork {
        let mut claimed =
            ClaimedWork { remaining_priority: self.remaining_priority, ..ClaimedWork::default() };
        for candidate in self.jobs {
            match apply(set, &candidate.claim_decision(&work.claim), now) {
                Ok(Commit::Applied(applied)) => claimed.jobs.extend(applied.claimed),
                Ok(Commit::PreconditionFailed | Commit::Duplicate { .. }) => {}
                Err(error) => tracing::error!(%error, "a due job cannot be claimed"),
            }
        }
        for run in self.runs {
            let slots = work.limit.saturating_sub(claimed.jobs.len());
            match work
                .starts
                .decision_for(&run, &work.claim, slots)
                .map(|decision| apply(set, &decision, now))
            {
                Some(Ok(Commit::Applied(applied))) => {
                    claimed.started.push(run.id);
                    claimed.jobs.extend(applied.claimed);
                }
                Some(Ok(Commit::PreconditionFailed | Commit::Duplicate { .. })) => {}
                // The claimant starts the run itself, and so finds the reason.
                Some(Err(_)) | None => claimed.runs.push(run),
            }
        }
        claimed
    }
}
