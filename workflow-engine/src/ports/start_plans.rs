//! Plans by which a claim starts runs.

use std::collections::HashMap;

use super::change::Change;
use super::decision::Decision;
use super::precondition::{Precondition, Revision};
use crate::records::{Claimant, RunRecord};

/// The changes that start a run, by the fingerprint of its definition. The claimant passes them to the store, so that a
/// claim starts the runs that it finds in its own transaction. A definition without a plan has its runs returned in
/// [`ClaimedWork::runs`](super::ClaimedWork::runs) instead, because the kernel must inspect them first.
#[derive(Debug, Default)]
pub struct StartPlans(HashMap<String, Vec<Change>>);

impl StartPlans {
    /// Sets the changes that start a run of this definition. The claim claims the run's jobs as far as it has free slots,
    /// but none that a [`Change::Delay`] follows.
    pub fn insert(&mut self, definition: String, changes: Vec<Change>) {
        self.0.insert(definition, changes);
    }

    /// Returns the decision that starts the run and claims the first `slots` of its jobs; `None` without a plan. Its
    /// precondition fails where another claimant was faster.
    #[must_use]
    pub fn decision_for(&self, run: &RunRecord, claim: &Claimant, slots: usize) -> Option<Decision> {
        let mut changes = self.0.get(&run.definition_fingerprint)?.clone();
        let mut slots = slots;
        for position in 0..changes.len() {
            let is_delayed = matches!(changes.get(position + 1), Some(Change::Delay { .. }));
            if let Change::Enqueue { claim: job, .. } = &mut changes[position]
                && slots > 0
                && !is_delayed
            {
                *job = Some(claim.clone());
                slots -= 1;
            }
        }
        let revision = Revision { version: run.version, last_sequence: run.last_sequence };
        Some(Decision {
            run_id: run.id,
            precondition: Precondition::Revision(revision),
            command: "run.claimPending",
            idempotency: None,
            changes,
        })
    }
}
