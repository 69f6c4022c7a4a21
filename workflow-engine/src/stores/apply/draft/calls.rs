//! The calls of models in a draft.

use super::Draft;
use crate::records::{CallStatus, JobRecord};
use crate::stores::calls::{CallRow, ReservedRow, SettledRow, VoidedCalls};
use crate::stores::working_set::StageRows;
use crate::value::CallId;

impl Draft<'_> {
    /// What is known of a call, if it is there.
    pub(in crate::stores::apply) fn call(&self, id: CallId) -> Option<&CallRow> {
        self.written.calls.get(&id).or_else(|| self.set.calls.get(&id))
    }

    /// Writes a reserved call.
    pub(in crate::stores::apply) fn reserve_call(&mut self, row: CallRow, reserved: ReservedRow) {
        self.written.calls.insert(reserved.record.id, row);
        self.written.attached.reserved_calls.push(reserved);
    }

    /// Writes the outcome of a call.
    pub(in crate::stores::apply) fn settle_call(&mut self, row: CallRow, settled: SettledRow) {
        self.written.calls.insert(settled.id, row);
        self.written.attached.settled_calls.push(settled);
    }

    /// Marks the reserved calls of this stage as unknown.
    pub(in crate::stores::apply) fn void_calls(&mut self, voided: VoidedCalls) {
        let known = self.set.calls.iter().chain(&self.written.calls);
        let lost = known.filter(|(_, row)| {
            row.run_id == Some(voided.run_id) && row.stage_id.as_deref() == Some(&voided.stage_id)
        });
        let lost: Vec<CallId> = lost.map(|(id, _)| *id).collect();
        for id in lost {
            let row = self.call(id).filter(|row| row.outcome == CallStatus::Reserved).cloned();
            let row = row.map(|row| CallRow { outcome: CallStatus::Unknown, ..row });
            self.written.calls.extend(row.map(|row| (id, row)));
        }
        self.written.attached.voided.push(voided);
    }

    /// The ids, in order, of the stages that this decision changes and that have reserved calls.
    pub(in crate::stores::apply) fn stages_with_pending_calls(&self) -> Vec<String> {
        let has_pending =
            |rows: &StageRows| rows.stage.get().is_some_and(|stage| stage.spending.pending_calls > 0);
        let mut stages: Vec<String> = self
            .written
            .stages
            .iter()
            .filter(|(_, rows)| has_pending(rows))
            .map(|(id, _)| id.clone())
            .collect();
        stages.sort_unstable();
        stages
    }

    /// A stage's job before this decision, and now.
    pub(in crate::stores::apply) fn jobs_of(
        &self,
        stage_id: &str,
    ) -> (Option<&JobRecord>, Option<&JobRecord>) {
        let before = self.set.stage(self.run_id, stage_id).and_then(|rows| rows.job.get());
        let now = self.written.stages.get(stage_id).map_or(before, |rows| rows.job.get());
        (before, now)
    }

    /// The run has other amounts than it is stored with.
    pub(in crate::stores::apply) fn run_spending_has_changed(&mut self) {
        self.written.attached.spending.insert((self.run_id, None));
    }

    /// The stage has other amounts than it is stored with.
    pub(in crate::stores::apply) fn stage_spending_has_changed(&mut self, stage_id: &str) {
        self.written.attached.spending.insert((self.run_id, Some(stage_id.to_owned())));
    }
}
