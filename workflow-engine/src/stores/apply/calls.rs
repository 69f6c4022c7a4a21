//! Calls of models: reserved before they are made, settled afterwards, unknown when their lease ends first.

use super::budget::{Excess, excess};
use super::draft::Draft;
use super::mismatch::Mismatch;
use crate::ledger::{CallOutcome, CallReservation};
use crate::records::{AiCallRecord, CallStatus, CostSummary, JobRecord, Status};
use crate::stores::calls::{CallRow, ReservedRow, SettledRow, VoidedCalls};
use crate::value::{CallId, Cost, StageKey};

/// Writes `Change::ReserveCall`.
pub(super) fn reserve(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    id: CallId,
    call: &CallReservation,
    budget: Option<Cost>,
) -> Result<(), Mismatch> {
    if draft.call(id).is_some() {
        return Ok(());
    }
    let job = draft.jobs_of(stage_key).1.filter(|job| job.status == Status::Running);
    let job = job.ok_or_else(|| Mismatch::StageIsNotRunning(stage_key.clone()))?;
    let (attempt, generation, lease_epoch) = (job.attempt, job.generation, job.lease_epoch);
    if let Some(Excess { is_of_stage, spending, limit }) = excess(draft, stage_key, call.reserve, budget)? {
        let amounts = [spending.cost, spending.reserved, call.reserve, limit];
        return Err(Mismatch::OverBudget(is_of_stage.then(|| stage_key.clone()), amounts));
    }
    change_spending(draft, stage_key, |spending| {
        spending.reserved += call.reserve;
        spending.pending_calls += 1;
    })?;
    let run_id = draft.run_id();
    let ReservedRow { record, .. } = ReservedRow::without_stage(id, call.clone(), draft.now());
    let StageKey { id: stage_id, place } = stage_key.clone();
    let row = CallRow {
        run_id: Some(run_id),
        stage_key: Some(stage_key.clone()),
        outcome: CallStatus::Reserved,
        reserved: call.reserve,
    };
    let record =
        AiCallRecord { run_id: Some(run_id), stage_id: Some(stage_id), place, generation, attempt, ..record };
    draft.reserve_call(row, ReservedRow { record, lease_epoch });
    Ok(())
}

/// Writes `Change::SettleCall`. An unknown call may still be settled: a batch outlives the attempt that submitted it.
pub(super) fn settle(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    id: CallId,
    outcome: &CallOutcome,
) -> Result<(), Mismatch> {
    let run_id = draft.run_id();
    let row = SettledRow::new(id, outcome.clone(), draft.now());
    let call = draft.call(id).filter(|call| {
        row.supersedes(call.outcome)
            && call.run_id == Some(run_id)
            && call.stage_key.as_ref() == Some(stage_key)
    });
    let Some(call) = call.cloned() else { return Ok(()) };
    let settled = &row.settled;
    let tokens = settled.input_tokens.saturating_add(settled.output_tokens);
    let was_pending = u32::from(call.outcome == CallStatus::Reserved);
    change_spending(draft, stage_key, |spending| {
        spending.pending_calls = spending.pending_calls.saturating_sub(was_pending);
        if row.outcome != CallStatus::Unknown {
            spending.reserved = spending.reserved.less(call.reserved);
        }
        spending.cost += settled.cost;
        spending.tokens = spending.tokens.saturating_add(tokens);
    })?;
    draft.settle_call(CallRow { outcome: row.outcome, ..call }, row);
    Ok(())
}

/// Makes reserved calls unknown whose lease this decision has ended, whichever change did so. They keep their
/// reservation, because the provider may have served and billed them. Done once for every change there is, here, and
/// not by each of them. A run without calls pays nothing for it: its stages' rows have no pending calls.
pub(super) fn void(draft: &mut Draft<'_>) -> Result<(), Mismatch> {
    for stage_key in draft.stages_with_pending_calls() {
        let (before, now) = draft.jobs_of(&stage_key);
        if lease(before).is_some() && lease(before) == lease(now) {
            continue;
        }
        let pending = draft.stage(&stage_key)?.spending.pending_calls;
        draft.stage_mut(&stage_key)?.spending.pending_calls = 0;
        let run = draft.run_mut()?;
        run.spending.pending_calls = run.spending.pending_calls.saturating_sub(pending);
        draft.run_spending_changed();
        draft.stage_spending_changed(&stage_key);
        let (run_id, at) = (draft.run_id(), draft.now());
        draft.void_calls(VoidedCalls { run_id, stage_key, at });
    }
    Ok(())
}

/// Returns generation and epoch of the job's current lease.
fn lease(job: Option<&JobRecord>) -> Option<(u32, u64)> {
    job.filter(|job| job.status == Status::Running).map(|job| (job.generation, job.lease_epoch))
}

/// Changes the amounts of the stage and of its run.
fn change_spending(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    change: impl Fn(&mut CostSummary),
) -> Result<(), Mismatch> {
    change(&mut draft.stage_mut(stage_key)?.spending);
    change(&mut draft.run_mut()?.spending);
    draft.run_spending_changed();
    draft.stage_spending_changed(stage_key);
    Ok(())
}
