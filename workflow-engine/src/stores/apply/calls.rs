//! Calls of models: reservations, costs, and the calls whose attempt is lost.

use super::changes::{give_up_lease, requeued};
use super::draft::{Draft, Impossible};
use crate::ledger::{CallOutcome, CallReservation};
use crate::ports::Change;
use crate::records::{AiCallRecord, CallStatus, CostSummary, EventKind, JobRecord, Status};
use crate::stores::calls::{CallRow, ReservedRow, SettledRow, VoidedCalls};
use crate::stores::instant;
use crate::value::{CallId, Cost};

/// Writes one of these changes; the others are not its business.
pub(super) fn account(draft: &mut Draft<'_>, change: &Change) -> Result<(), Impossible> {
    match change {
        Change::ReserveCall { stage_id, call_id, call, budget } => {
            reserve(draft, stage_id, *call_id, call, *budget)
        }
        Change::SettleCall { stage_id, call_id, end } => settle(draft, stage_id, *call_id, end),
        Change::SetBudget { stage_id: None, budget } => {
            let run = draft.run_mut()?;
            // Of two who raise it at the same time, whoever raises it more.
            run.spending.budget = run.spending.budget.max(Some(*budget));
            draft.run_spending_has_changed();
            Ok(())
        }
        Change::SetBudget { stage_id: Some(stage_id), budget } => {
            let stage = draft.stage_mut(stage_id)?;
            stage.spending.budget = stage.spending.budget.max(Some(*budget));
            draft.run_mut()?;
            draft.stage_spending_has_changed(stage_id);
            Ok(())
        }
        Change::AwaitBudget { stage_id, error, reserve, budget } => {
            await_budget(draft, stage_id, error, *reserve, *budget)
        }
        Change::Resume { stage_id } => resume(draft, stage_id),
        _ => Ok(()),
    }
}

/// `Change::ReserveCall`.
fn reserve(
    draft: &mut Draft<'_>,
    stage_id: &str,
    id: CallId,
    call: &CallReservation,
    budget: Option<Cost>,
) -> Result<(), Impossible> {
    if draft.call(id).is_some() {
        return Ok(());
    }
    let job = draft.jobs_of(stage_id).1.filter(|job| job.status == Status::Running);
    let job = job.ok_or_else(|| Impossible::StageIsNotRunning(stage_id.to_owned()))?;
    let (attempt, generation, lease_epoch) = (job.attempt, job.generation, job.lease_epoch);
    if let Some((of_stage, spending, limit)) = refusal(draft, stage_id, call.reserve, budget)? {
        let amounts = [spending.cost, spending.reserved, call.reserve, limit];
        return Err(Impossible::OverBudget(of_stage.then(|| stage_id.to_owned()), amounts));
    }
    change(draft, stage_id, |spending| {
        spending.reserved += call.reserve;
        spending.pending_calls += 1;
    })?;
    let run_id = draft.run_id();
    let ReservedRow { record, .. } = ReservedRow::outside(id, call.clone(), draft.now());
    let stage_id = Some(stage_id.to_owned());
    let row = CallRow {
        run_id: Some(run_id),
        stage_id: stage_id.clone(),
        outcome: CallStatus::Reserved,
        reserved: call.reserve,
    };
    let record = AiCallRecord { run_id: Some(run_id), stage_id, generation, attempt, ..record };
    draft.reserve_call(row, ReservedRow { record, lease_epoch });
    Ok(())
}

/// Whose budget does not admit such a call, if there is one: whether it is the stage's, what is spent, and its limit.
fn refusal(
    draft: &Draft<'_>,
    stage_id: &str,
    reserve: Cost,
    declared: Option<Cost>,
) -> Result<Option<(bool, CostSummary, Cost)>, Impossible> {
    let run = draft.run()?.spending;
    let stage = draft.stage(stage_id)?.spending;
    // What the run says of the stage counts where it is more than what the stage declares.
    let of_stage = declared.max(stage.budget);
    let limits = [(false, run, run.budget), (true, stage, of_stage)];
    let refused = limits.into_iter().find(|(_, spending, limit)| !spending.admits(reserve, *limit));
    Ok(refused.and_then(|(of_stage, spending, limit)| Some((of_stage, spending, limit?))))
}

/// `Change::SettleCall`. What is unknown may become known: a batch outlives the attempt that has handed it over.
fn settle(
    draft: &mut Draft<'_>,
    stage_id: &str,
    id: CallId,
    outcome: &CallOutcome,
) -> Result<(), Impossible> {
    let run_id = draft.run_id();
    let row = SettledRow::new(id, outcome.clone(), draft.now());
    let call = draft.call(id).filter(|call| {
        row.says_more_than(call.outcome)
            && call.run_id == Some(run_id)
            && call.stage_id.as_deref() == Some(stage_id)
    });
    let Some(call) = call.cloned() else { return Ok(()) };
    let settled = &row.settled;
    let tokens = settled.input_tokens.saturating_add(settled.output_tokens);
    let was_reserved = u32::from(call.outcome == CallStatus::Reserved);
    change(draft, stage_id, |spending| {
        spending.pending_calls = spending.pending_calls.saturating_sub(was_reserved);
        if row.outcome != CallStatus::Unknown {
            spending.reserved = spending.reserved.less(call.reserved);
        }
        spending.cost += settled.cost;
        spending.tokens = spending.tokens.saturating_add(tokens);
    })?;
    draft.settle_call(CallRow { outcome: row.outcome, ..call }, row);
    Ok(())
}

/// `Change::AwaitBudget`.
fn await_budget(
    draft: &mut Draft<'_>,
    stage_id: &str,
    error: &str,
    reserve: Cost,
    budget: Option<Cost>,
) -> Result<(), Impossible> {
    let now = draft.now();
    // Raised, or freed by others, since the call was refused: whoever did so found nobody waiting.
    let fits = refusal(draft, stage_id, reserve, budget)?.is_none();
    let stage = draft.stage_mut(stage_id)?;
    stage.status = requeued(stage.status);
    stage.error_message = Some(error.to_owned());
    stage.awaited_cost = (!fits).then_some(reserve);
    let (stage_name, status) = (stage.stage_name.clone(), stage.status);
    if status == Status::Pending {
        stage.attempt = stage.attempt.saturating_sub(1);
    }
    let job = draft.job_mut(stage_id)?;
    give_up_lease(job, status);
    let attempt = job.attempt;
    job.attempt = attempt.saturating_sub(1);
    job.run_at = if fits { now } else { instant::NEVER };
    let delay_ms = instant::milliseconds_between(now, job.run_at);
    draft.stage_spending_has_changed(stage_id);
    if fits {
        draft.applied().ready.push(stage_id.to_owned());
        draft.announce_work();
    }
    let (stage_id, error) = (stage_id.to_owned(), error.to_owned());
    draft.event(EventKind::StageRetrying { stage_id, stage_name, attempt, error, delay_ms })
}

/// `Change::Resume`.
fn resume(draft: &mut Draft<'_>, stage_id: &str) -> Result<(), Impossible> {
    let now = draft.now();
    if draft.stage_mut(stage_id)?.awaited_cost.take().is_none() {
        return Ok(());
    }
    draft.job_mut(stage_id)?.run_at = now;
    draft.run_mut()?;
    draft.stage_spending_has_changed(stage_id);
    draft.applied().ready.push(stage_id.to_owned());
    draft.announce_work();
    Ok(())
}

/// Marks the reserved calls of every lease that this decision has voided as unknown, for any change that voids a lease.
pub(super) fn void(draft: &mut Draft<'_>) -> Result<(), Impossible> {
    for stage_id in draft.stages_with_pending_calls() {
        let (before, now) = draft.jobs_of(&stage_id);
        if lease(before).is_some() && lease(before) == lease(now) {
            continue;
        }
        let pending = draft.stage(&stage_id)?.spending.pending_calls;
        draft.stage_mut(&stage_id)?.spending.pending_calls = 0;
        let run = draft.run_mut()?;
        run.spending.pending_calls = run.spending.pending_calls.saturating_sub(pending);
        draft.run_spending_has_changed();
        draft.stage_spending_has_changed(&stage_id);
        let (run_id, at) = (draft.run_id(), draft.now());
        draft.void_calls(VoidedCalls { run_id, stage_id, at });
    }
    Ok(())
}

/// Generation and epoch of the lease that somebody holds on the job.
fn lease(job: Option<&JobRecord>) -> Option<(u32, u64)> {
    job.filter(|job| job.status == Status::Running).map(|job| (job.generation, job.lease_epoch))
}

fn change(
    draft: &mut Draft<'_>,
    stage_id: &str,
    change: impl Fn(&mut CostSummary),
) -> Result<(), Impossible> {
    change(&mut draft.stage_mut(stage_id)?.spending);
    change(&mut draft.run_mut()?.spending);
    draft.run_spending_has_changed();
    draft.stage_spending_has_changed(stage_id);
    Ok(())
}
