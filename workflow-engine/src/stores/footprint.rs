//! Which rows a decision reads: what has to be loaded before it can be applied.

use std::collections::{BTreeMap, BTreeSet};

use crate::ports::{Change, Decision, Precondition};
use crate::records::Lease;
use crate::value::{CallId, RunId};

/// The rows that some decisions read. Ordered, so that a transaction walks its tables in key order.
#[derive(Debug, Default)]
pub(super) struct Footprint {
    /// The runs, each with the stages (and their jobs) that are read of it.
    pub(super) runs: BTreeMap<RunId, BTreeSet<String>>,
    /// Command and key of each idempotency entry.
    pub(super) keys: BTreeSet<(&'static str, String)>,
    /// Calls of models.
    pub(super) calls: BTreeSet<CallId>,
}

impl Footprint {
    /// Adds what this decision reads.
    pub(super) fn add(&mut self, decision: &Decision) {
        if let Some(entry) = &decision.idempotency {
            self.keys.insert((entry.command, entry.key.clone()));
        }
        for change in &decision.changes {
            match change {
                Change::CompleteIdempotencyKey { command, key, .. } => {
                    self.keys.insert((command, key.clone()));
                }
                Change::ReserveCall { call_id, .. } | Change::SettleCall { call_id, .. } => {
                    self.calls.insert(*call_id);
                }
                _ => {}
            }
        }
        let stages = self.runs.entry(decision.run_id).or_default();
        // A decision that starts its run inserts every stage that it names: there is nothing to read of them.
        if decision.changes.iter().any(|change| matches!(change, Change::StartRun { .. })) {
            return;
        }
        let named = guarded_stage(&decision.precondition)
            .into_iter()
            .chain(decision.changes.iter().flat_map(changed_stages));
        for stage in named {
            if !stages.contains(stage) {
                stages.insert(stage.to_owned());
            }
        }
    }

    /// Adds one stage of a run.
    pub(super) fn add_stage(&mut self, run_id: RunId, stage_id: String) {
        self.runs.entry(run_id).or_default().insert(stage_id);
    }
}

/// The stage whose job the guard looks at.
fn guarded_stage(precondition: &Precondition) -> Option<&str> {
    match precondition {
        Precondition::Absent | Precondition::Present | Precondition::Revision(_) => None,
        Precondition::Claimable { stage_id, .. }
        | Precondition::ClaimableAt { stage_id, .. }
        | Precondition::Lease(Lease { stage_id, .. })
        | Precondition::LeaseAndRevision(Lease { stage_id, .. }, _)
        | Precondition::ExpiredLease(Lease { stage_id, .. })
        | Precondition::ExpiredLeaseAndRevision(Lease { stage_id, .. }, _) => Some(stage_id),
    }
}

/// The stages that a change is about.
fn changed_stages(change: &Change) -> Vec<&str> {
    match change {
        Change::Rerun { stages, .. } => stages.iter().map(|stage| stage.stage_id.as_str()).collect(),
        Change::ClaimQueued { stage_ids, .. } => stage_ids.iter().map(String::as_str).collect(),
        Change::CreateRun(_)
        | Change::StartRun { .. }
        | Change::ReleaseRun { .. }
        | Change::EndRun(_)
        | Change::Recount { .. }
        | Change::CompleteIdempotencyKey { .. }
        | Change::Execute { .. }
        | Change::PutBlob { .. } => Vec::new(),
        Change::Annotate { stage_id, .. } | Change::SetBudget { stage_id, .. } => {
            stage_id.as_deref().into_iter().collect()
        }
        Change::Enqueue { stage_id, .. }
        | Change::Claim { stage_id, .. }
        | Change::Complete { stage_id, .. }
        | Change::Release { stage_id, .. }
        | Change::Suspend { stage_id, .. }
        | Change::Postpone { stage_id, .. }
        | Change::Wake { stage_id }
        | Change::Retry { stage_id, .. }
        | Change::ReturnJob { stage_id }
        | Change::Fail { stage_id, .. }
        | Change::Cancel { stage_id }
        | Change::PutArtifact { stage_id, .. }
        | Change::DeleteArtifact { stage_id, .. }
        | Change::RecordMetrics { stage_id, .. }
        | Change::ReserveCall { stage_id, .. }
        | Change::SettleCall { stage_id, .. }
        | Change::AwaitBudget { stage_id, .. }
        | Change::Resume { stage_id }
        | Change::Log { stage_id, .. }
        | Change::Progress { stage_id, .. } => vec![stage_id],
    }
}
