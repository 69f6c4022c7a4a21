//! Implicit stages: stages of a run that have no row, because the row of their run says all there is to say.
//!
//! A stage of a small run begins without a row. Its run has an *outline*, which lists the stages as they begin; it is
//! stored once, with the commit that starts the run. What has changed since is an *entry* in the run's column `held`: that
//! a stage runs under a lease of the run's *owner*, or how many predecessors it still waits for. So the commit that
//! completes a stage and claims its successors writes one row for the stage that is completed, and the run.
//!
//! Nothing else changes its meaning: decisions read and change records of stages and jobs. The store reads an implicit
//! stage as the records that its rows would be ([`ImplicitStages::rows`]), and before it writes, it decides for each changed
//! stage whether the records are exactly what an entry says (`RunRows::settle_implicit`). Where they are not (a retry, a
//! suspension, a cost, a job in the queue), the stage and its job get rows and keep them.
//!
//! A lease in an entry is never renewed there: its worker's first heartbeat gives the stage and its job their rows
//! (`WorkingSet::renew`). So a lease whose claimant has never learnt of it ends, whatever else the owner does.

mod outline;
mod entry;
mod settle;
mod renewal;
mod load;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

pub(super) use self::entry::{Entry, EntryState, HeldLease, parse as parse_entries, start as entry_start};
pub(super) use self::outline::{Outline, OutlineStage};
pub(super) use self::renewal::{LeaseEnd, Renewal};
use crate::records::{CostSummary, JobRecord, RunRecord, StageRecord, Status};
use crate::value::{RunId, StageKey};

/// What a run knows of its stages that have no rows.
#[derive(Clone, Debug, Default)]
pub(super) struct ImplicitStages {
    /// The stages as they begin; `None` where every stage has a row.
    pub(super) outline: Option<Arc<Outline>>,
    /// The number of the commit that has the outline.
    pub(super) outline_sequence: Option<u64>,
    /// The worker that holds the leases of the entries.
    pub(super) owner: Option<String>,
    /// An instant at or before the end of each lease in the entries. It is in an index, so it moves seldom.
    pub(super) held_until: Option<DateTime<Utc>>,
    /// The stages that differ from the outline.
    pub(super) entries: Vec<Entry>,
    /// What of this the transaction has changed.
    pub(super) change: ImplicitChange,
}

/// How much of [`ImplicitStages`] is to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ImplicitChange {
    #[default]
    Nothing,
    /// The entries alone, of which no index knows.
    Entries,
    Everything,
}

impl ImplicitStages {
    /// Notes that the run starts with this outline, in the commit with this number.
    pub(super) fn start(&mut self, outline: &Arc<Outline>, sequence: u64) {
        self.outline = Some(Arc::clone(outline));
        self.outline_sequence = Some(sequence);
        self.change = ImplicitChange::Everything;
    }

    /// Returns the entries as text; `None` where there is none.
    pub(super) fn held(&self) -> Option<String> {
        (!self.entries.is_empty()).then(|| entry::write(&self.entries))
    }

    fn job(&self, run: &RunRecord, stage_key: &StageKey, lease: &HeldLease) -> JobRecord {
        JobRecord {
            run_id: run.id,
            stage_id: stage_key.id.clone(),
            place: stage_key.place.clone(),
            workflow_id: run.workflow_id.clone(),
            definition_fingerprint: run.definition_fingerprint.clone(),
            generation: run.generation,
            status: Status::Running,
            priority: run.priority,
            attempt: 1,
            max_attempts: lease.max_attempts,
            crashes: 0,
            max_crashes: lease.max_crashes,
            lease_epoch: 1,
            worker_id: self.owner.clone(),
            leased_until: Some(lease.until()),
            run_at: lease.since,
            woken: false,
        }
    }

    /// Returns the jobs that the owner holds without rows.
    pub(super) fn jobs(&self, run: &RunRecord) -> Vec<JobRecord> {
        let held = self.entries.iter().filter_map(|entry| match &entry.state {
            EntryState::Held(lease) => Some(self.job(run, &entry.stage_key, lease)),
            EntryState::Waiting { .. } => None,
        });
        held.collect()
    }

    fn leases(&self) -> impl Iterator<Item = &HeldLease> {
        self.entries.iter().filter_map(|entry| match &entry.state {
            EntryState::Held(lease) => Some(lease),
            EntryState::Waiting { .. } => None,
        })
    }

    /// Returns the earliest end of a lease in the entries.
    pub(super) fn earliest_end(&self) -> Option<DateTime<Utc>> {
        self.leases().map(HeldLease::until).min()
    }
}

/// The record of a stage that has not begun, in the generation in which its run was started.
fn first_record(run_id: RunId, stage: &OutlineStage) -> StageRecord {
    StageRecord {
        run_id,
        stage_id: stage.stage_key.id.clone(),
        place: stage.stage_key.place.clone(),
        stage_name: stage.stage_name.clone(),
        stage_number: stage.stage_number,
        execution_group: stage.execution_group,
        generation: 1,
        status: Status::Pending,
        attempt: 0,
        waiting_on: stage.waiting_on,
        arm: None,
        failure: None,
        suspended_state: None,
        max_wait_until: None,
        output: None,
        error_message: None,
        metrics: BTreeMap::new(),
        spending: CostSummary::default(),
        awaited_cost: None,
        started_at: None,
        completed_at: None,
    }
}

#[cfg(test)]
mod tests;
