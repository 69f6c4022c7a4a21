//! Claiming jobs that were found to be due.

use chrono::{DateTime, Utc};

use super::apply::apply;
use super::working_set::WorkingSet;
use crate::id::RunId;
use crate::ports::{Change, Commit, Decision, Guard};
use crate::records::{Claim, ClaimedJob};

/// A job that may be claimed.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) run_id: RunId,
    pub(super) stage_id: String,
    pub(super) generation: u32,
}

impl Candidate {
    /// The decision that claims it, if it still can be claimed.
    pub(super) fn claimed_by(self, claim: &Claim) -> Decision {
        let Self { run_id, stage_id, generation } = self;
        Decision {
            run_id,
            guard: Guard::Claimable { stage_id: stage_id.clone(), generation },
            idempotency: None,
            changes: vec![Change::Claim { stage_id, claim: claim.clone() }],
        }
    }
}

/// Claims the candidates; their rows are loaded. Each is a decision of its own, so one that cannot be claimed keeps
/// nobody from the others.
pub(super) fn take(
    set: &mut WorkingSet,
    claim: &Claim,
    candidates: Vec<Candidate>,
    now: DateTime<Utc>,
) -> Vec<ClaimedJob> {
    let mut claimed = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        match apply(set, &candidate.claimed_by(claim), now) {
            Ok(Commit::Applied(applied)) => claimed.extend(applied.claimed),
            Ok(Commit::Missed | Commit::Repeated { .. }) => {}
            Err(error) => tracing::error!(%error, "a due job cannot be claimed"),
        }
    }
    claimed
}
