//! Decides which of the changed stages of a run need rows.

use chrono::{DateTime, Utc};

use super::{Entry, EntryState, HeldLease, ImplicitChange, ImplicitStages, OutlineStage};
use crate::records::{CostSummary, JobRecord, RunRecord, StageRecord, Status};
use crate::stores::working_set::{RunRows, StageRows, WorkingSet};

impl WorkingSet {
    /// Decides for every run; see [`RunRows::settle_implicit`].
    pub(in crate::stores) fn settle_implicit(&mut self) {
        self.runs.values_mut().for_each(RunRows::settle_implicit);
    }
}

impl RunRows {
    /// Turns each changed stage that its entry or the outline describes completely into an implicit one, and prepares the
    /// others to be written as rows, with their jobs. A stage that has a row keeps it.
    pub(in crate::stores) fn settle_implicit(&mut self) {
        let Self { run, implicit, stages, .. } = self;
        let (Some(run), Some(outline)) = (run.get(), implicit.outline.clone()) else { return };
        let changed = |rows: &StageRows| rows.stage.is_changed() || rows.job.is_changed();
        if !stages.values().any(|rows| changed(rows)) {
            return;
        }
        let before = Before {
            owner: implicit.owner.clone(),
            held_until: implicit.held_until,
            entries: std::mem::take(&mut implicit.entries),
        };
        let keeps = |entry: &&Entry| stages.get(&entry.stage_key).is_none_or(|rows| !changed(rows));
        implicit.entries.extend(before.entries.iter().filter(keeps).cloned());
        if implicit.leases().next().is_none() {
            implicit.owner = None;
        }
        for (stage_key, rows) in stages.iter_mut().filter(|(_, rows)| changed(rows)) {
            let has_row = rows.stage.is_stored() || rows.job.is_stored() || rows.keeps_rows;
            let described = match outline.stage(stage_key) {
                Some(stage) if !has_row => implicit.describe(run, stage, rows),
                _ => None,
            };
            if let Some(described) = described {
                if let Described::ByEntry(state) = described {
                    implicit.entries.push(Entry { stage_key: stage_key.clone(), state });
                }
                rows.stage.forgo_row();
                rows.job.forgo_row();
            } else {
                rows.stage.require_row();
                rows.job.require_row();
            }
        }
        implicit.bound_leases();
        implicit.note_change(&before);
    }
}

/// What the run's row has before the transaction.
struct Before {
    owner: Option<String>,
    held_until: Option<DateTime<Utc>>,
    entries: Vec<Entry>,
}

/// What describes the records of a stage completely.
enum Described {
    ByOutline,
    ByEntry(EntryState),
}

impl ImplicitStages {
    /// Returns what describes these records completely; `None` where they need rows.
    fn describe(&mut self, run: &RunRecord, stage: &OutlineStage, rows: &StageRows) -> Option<Described> {
        let record = rows.stage.get()?;
        let Some(job) = rows.job.get() else {
            // A stage that waits for nothing and has no job was ready, and lost it.
            let is_described = record.waiting_on > 0 && is_waiting(run, stage, record);
            let remaining = record.waiting_on;
            let described = if remaining == stage.waiting_on {
                Described::ByOutline
            } else {
                Described::ByEntry(EntryState::Waiting { remaining })
            };
            return is_described.then_some(described);
        };
        let since = record.started_at?;
        let length = job.leased_until? - since;
        let lease = HeldLease { since, length, max_attempts: job.max_attempts, max_crashes: job.max_crashes };
        let is_owned = self.owner.is_none() || self.owner == job.worker_id;
        let is_described = is_owned
            && is_running(run, stage, record)
            && is_held(run, job, since)
            && lease.until() == job.leased_until?
            && length.num_microseconds().is_some();
        if !is_described {
            return None;
        }
        if self.owner.is_none() {
            self.owner.clone_from(&job.worker_id);
        }
        Some(Described::ByEntry(EntryState::Held(lease)))
    }

    /// Sets the bound of the leases. It stays while it is at most half a lease too early, because each move of it is a
    /// write to an index.
    fn bound_leases(&mut self) {
        let Some(end) = self.earliest_end() else {
            (self.owner, self.held_until) = (None, None);
            return;
        };
        let length = self.leases().map(|lease| lease.length).min().unwrap_or_default();
        let keeps = |bound: DateTime<Utc>| bound <= end && end - bound <= length / 2;
        if !self.held_until.is_some_and(keeps) {
            self.held_until = Some(end);
        }
    }

    fn note_change(&mut self, before: &Before) {
        let change = if (&self.owner, self.held_until) != (&before.owner, before.held_until) {
            ImplicitChange::Everything
        } else if self.entries != before.entries {
            ImplicitChange::Entries
        } else {
            ImplicitChange::Nothing
        };
        // A run that starts has noted its outline.
        if self.change != ImplicitChange::Everything {
            self.change = change;
        }
    }
}

/// Returns whether a stage waits for predecessors, and nothing else about it differs from the outline.
fn is_waiting(run: &RunRecord, stage: &OutlineStage, record: &StageRecord) -> bool {
    (record.status, record.attempt, record.started_at) == (Status::Pending, 0, None)
        && has_first_values(run, stage, record)
}

/// Returns whether a stage is in its first attempt, and nothing else about it differs from the outline.
fn is_running(run: &RunRecord, stage: &OutlineStage, record: &StageRecord) -> bool {
    (record.status, record.attempt, record.waiting_on) == (Status::Running, 1, 0)
        && has_first_values(run, stage, record)
}

/// Returns whether a stage is as [`first_record`](super::first_record) would return it, apart from what its attempts and
/// its predecessors change.
fn has_first_values(run: &RunRecord, stage: &OutlineStage, record: &StageRecord) -> bool {
    let StageRecord {
        run_id,
        stage_id,
        place,
        stage_name,
        stage_number,
        execution_group,
        generation,
        status: _,
        attempt: _,
        waiting_on: _,
        arm,
        failure,
        suspended_state,
        max_wait_until,
        output,
        error_message,
        metrics,
        spending,
        awaited_cost,
        started_at: _,
        completed_at,
    } = record;
    *run_id == run.id
        && stage.stage_key.is(stage_id, place)
        && *stage_name == stage.stage_name
        && (*stage_number, *execution_group) == (stage.stage_number, stage.execution_group)
        && *generation == 1
        && (arm, failure, suspended_state, max_wait_until) == (&None, &None, &None, &None)
        && (output, error_message, awaited_cost, completed_at) == (&None, &None, &None, &None)
        && metrics.is_empty()
        && *spending == CostSummary::default()
}

/// Returns whether a job is as [`ImplicitStages::jobs`] would return it, apart from its worker, its limits and the end of
/// its lease.
fn is_held(run: &RunRecord, job: &JobRecord, since: DateTime<Utc>) -> bool {
    let JobRecord {
        run_id,
        stage_id: _,
        place: _,
        workflow_id,
        definition_fingerprint,
        generation,
        status,
        priority,
        attempt,
        max_attempts: _,
        crashes,
        max_crashes: _,
        lease_epoch,
        worker_id,
        leased_until: _,
        run_at,
        woken,
    } = job;
    *run_id == run.id
        && *workflow_id == run.workflow_id
        && *definition_fingerprint == run.definition_fingerprint
        && (*generation, run.generation) == (1, 1)
        && *status == Status::Running
        && *priority == run.priority
        && (*attempt, *crashes, *lease_epoch, *woken) == (1, 0, 1, false)
        && worker_id.is_some()
        && *run_at == since
        && since.timestamp_subsec_nanos().is_multiple_of(1_000)
}
