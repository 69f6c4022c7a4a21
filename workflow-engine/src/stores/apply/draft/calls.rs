//! The calls of models in a draft.

use super::Draft;
use crate::records::{CallStatus, JobRecord};
use crate::stores::calls::{CallRow, ReservedRow, SettledRow, VoidedCalls};
use crate::stores::working_set::StageRows;
use crate::value::{CallId, StageKey};

impl Draft<'_> {
    /// Returns the call, if it exists.
    pub(in crate::stores::apply) fn call(&self, id: CallId) -> Option<&CallRow> {
        self.written.calls.get(&id).or_else(|| self.set.calls.get(&id))
    }

    /// Inserts a reserved call.
    pub(in crate::stores::apply) fn reserve_call(&mut self, row: CallRow, reserved: ReservedRow) {
        self.written.calls.insert(reserved.record.id, row);
        self.side_rows().reserved_calls.push(reserved);
    }

    /// Writes the outcome of a call.
    pub(in crate::stores::apply) fn settle_call(&mut self, row: CallRow, settled: SettledRow) {
        self.written.calls.insert(settled.id, row);
        self.side_rows().settled_calls.push(settled);
    }

    /// Makes the reserved calls of a stage unknown.
    pub(in crate::stores::apply) fn void_calls(&mut self, voided: VoidedCalls) {
        let known = self.set.calls.iter().chain(&self.written.calls);
        let lost = known.filter(|(_, row)| {
            row.run_id == Some(voided.run_id) && row.stage_key.as_ref() == Some(&voided.stage_key)
        });
        let lost: Vec<CallId> = lost.map(|(id, _)| *id).collect();
        for id in lost {
            let row = self.call(id).filter(|row| row.outcome == CallStatus::Reserved).cloned();
            let row = row.map(|row| CallRow { outcome: CallStatus::Unknown, ..row });
            self.written.calls.extend(row.map(|row| (id, row)));
        }
        self.side_rows().voided_calls.push(voided);
    }

    /// Returns the keys of the stages that this decision has touched and that have reserved calls, in order.
    pub(in crate::stores::apply) fn stages_with_pending_calls(&self) -> Vec<StageKey> {
        let has_pending =
            |rows: &StageRows| rows.stage.get().is_some_and(|stage| stage.spending.pending_calls > 0);
        let mut pending: Vec<StageKey> = self
            .written
            .stages
            .iter()
            .filter(|(_, rows)| has_pending(rows))
            .map(|(key, _)| key.clone())
            .collect();
        pending.sort_unstable();
        pending
    }

    /// Returns a stage's job before this decision, and as it is now.
    pub(in crate::stores::apply) fn jobs_of(
        &self,
        stage_key: &StageKey,
    ) -> (Option<&JobRecord>, Option<&JobRecord>) {
        let before = self.stored_stage(stage_key).and_then(|rows| rows.job.get());
        let now = self.written.stages.get(stage_key).map_or(before, |rows| rows.job.get());
        (before, now)
    }

    /// Notes that the amounts of the run differ from the stored ones.
    pub(in crate::stores::apply) fn run_spending_changed(&mut self) {
        let run_id = self.run_id;
        self.side_rows().changed_spending.insert((run_id, None));
    }

    /// Notes that the amounts of the stage differ from the stored ones.
    pub(in crate::stores::apply) fn stage_spending_changed(&mut self, stage_key: &StageKey) {
        let run_id = self.run_id;
        self.side_rows().changed_spending.insert((run_id, Some(stage_key.clone())));
    }
}
