//! Budgets: what a run or a stage may spend, and stages that wait for more.

use super::draft::Draft;
use super::jobs::{clear_lease, requeued_status};
use super::mismatch::Mismatch;
use crate::records::{CostSummary, EventKind, Status};
use crate::stores::instant;
use crate::value::{Cost, StageKey};

/// A budget that does not admit a call.
pub(super) struct Excess {
    /// Whether the budget is the stage's; otherwise it is the run's.
    pub(super) is_of_stage: bool,
    pub(super) spending: CostSummary,
    pub(super) limit: Cost,
}

/// Returns the budget that does not admit a call of this cost, if there is one. The amounts that count are the settled
/// and the reserved ones, under the run's lock: branches cannot overspend together, whichever process runs them.
pub(super) fn excess(
    draft: &Draft<'_>,
    stage_key: &StageKey,
    reserve: Cost,
    declared: Option<Cost>,
) -> Result<Option<Excess>, Mismatch> {
    let run = draft.run()?.spending;
    let stage = draft.stage(stage_key)?.spending;
    // `Change::SetBudget` may give the stage more than it declares, never less.
    let limit_of_stage = declared.max(stage.budget);
    let budgets = [(false, run, run.budget), (true, stage, limit_of_stage)];
    let exceeded = budgets.into_iter().find(|(_, spending, limit)| !spending.admits(reserve, *limit));
    Ok(exceeded
        .and_then(|(is_of_stage, spending, limit)| Some(Excess { is_of_stage, spending, limit: limit? })))
}

/// Writes `Change::SetBudget`.
pub(super) fn set(draft: &mut Draft<'_>, stage_key: Option<&StageKey>, budget: Cost) -> Result<(), Mismatch> {
    // When two commands raise a budget at the same time, the higher one wins.
    match stage_key {
        None => {
            let run = draft.run_mut()?;
            run.spending.budget = run.spending.budget.max(Some(budget));
            draft.run_spending_changed();
        }
        Some(stage_key) => {
            let stage = draft.stage_mut(stage_key)?;
            stage.spending.budget = stage.spending.budget.max(Some(budget));
            draft.run_mut()?;
            draft.stage_spending_changed(stage_key);
        }
    }
    Ok(())
}

/// Writes `Change::AwaitBudget`.
pub(super) fn wait(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    error: &str,
    reserve: Cost,
    budget: Option<Cost>,
) -> Result<(), Mismatch> {
    let now = draft.now();
    // Between the refusal of the call and this commit the budget may have been raised, or other calls settled for
    // less. Those commits found no stage that waits, so they resumed none.
    let fits = excess(draft, stage_key, reserve, budget)?.is_none();
    let stage = draft.stage_mut(stage_key)?;
    stage.status = requeued_status(stage.status);
    stage.error_message = Some(error.to_owned());
    stage.awaited_cost = (!fits).then_some(reserve);
    let (stage_name, status) = (stage.stage_name.clone(), stage.status);
    if status == Status::Pending {
        stage.attempt = stage.attempt.saturating_sub(1);
    }
    let job = draft.job_mut(stage_key)?;
    clear_lease(job, status);
    let attempt = job.attempt;
    job.attempt = attempt.saturating_sub(1);
    job.run_at = if fits { now } else { instant::NEVER };
    let delay_ms = instant::milliseconds_between(now, job.run_at);
    draft.stage_spending_changed(stage_key);
    if fits {
        draft.applied().ready.push(stage_key.clone());
        draft.notify_work();
    }
    let (StageKey { id: stage_id, place }, error) = (stage_key.clone(), error.to_owned());
    draft.event(EventKind::StageRetrying { stage_id, place, stage_name, attempt, error, delay_ms })
}

/// Writes `Change::Resume`.
pub(super) fn resume(draft: &mut Draft<'_>, stage_key: &StageKey) -> Result<(), Mismatch> {
    let now = draft.now();
    if draft.stage_mut(stage_key)?.awaited_cost.take().is_none() {
        return Ok(());
    }
    draft.job_mut(stage_key)?.run_at = now;
    draft.run_mut()?;
    draft.stage_spending_changed(stage_key);
    draft.applied().ready.push(stage_key.clone());
    draft.notify_work();
    Ok(())
}
