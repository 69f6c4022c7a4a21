//! The rerun of a terminal run, in its next generation.

use super::draft::Draft;
use super::mismatch::Mismatch;
use crate::ports::RerunStage;
use crate::records::{EventKind, Status};
use crate::stores::instant;

/// Writes `Change::Rerun`.
pub(super) fn rerun(draft: &mut Draft<'_>, stages: &[RerunStage], waiting_on: u32) -> Result<(), Mismatch> {
    let now = draft.now();
    let run = draft.run_mut()?;
    if !run.status.is_terminal() {
        return Err(Mismatch::RunIsNotTerminal);
    }
    run.status = Status::Running;
    // Leases, cached outputs, artifacts and blobs carry the generation, so none of the old ones is taken for a new one.
    run.generation += 1;
    run.version += 1;
    run.waiting_on = waiting_on;
    run.active = 0;
    run.suspended = 0;
    run.output = None;
    run.error = None;
    run.cancel_reason = None;
    run.started_at = Some(now);
    run.completed_at = None;
    let generation = run.generation;
    let deadline = run.times.deadline;
    run.times.deadline_at = deadline.map(|deadline| instant::after(now, deadline));
    for RerunStage { stage_key, waiting_on } in stages {
        let stage = draft.stage_mut(stage_key)?;
        stage.generation = generation;
        stage.status = Status::Pending;
        stage.attempt = 0;
        stage.waiting_on = *waiting_on;
        stage.arm = None;
        stage.failure = None;
        stage.suspended_state = None;
        stage.max_wait_until = None;
        stage.output = None;
        stage.error_message = None;
        let awaited_budget = stage.awaited_cost.take().is_some();
        let had_metrics = !std::mem::take(&mut stage.metrics).is_empty();
        stage.started_at = None;
        stage.completed_at = None;
        if had_metrics {
            draft.metrics_changed(stage_key);
        }
        if awaited_budget {
            draft.stage_spending_changed(stage_key);
        }
        // A failed stage, for example, has a dead job of the old generation.
        draft.job_slot(stage_key).delete();
        draft.void_blobs(stage_key, generation);
    }
    if deadline.is_some() {
        draft.notify_timer();
    }
    draft.event(EventKind::WorkflowStarted {})
}
