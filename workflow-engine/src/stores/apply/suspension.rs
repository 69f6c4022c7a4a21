//! Stages that wait for something outside: suspended, checked again, woken.

use std::time::Duration;

use super::draft::Draft;
use super::jobs::clear_lease;
use super::mismatch::Mismatch;
use crate::records::{EventKind, Status, StoredValue};
use crate::stores::instant;
use crate::value::StageKey;

/// Writes `Change::Suspend`.
pub(super) fn suspend(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    ticket: &StoredValue,
    check_after: Duration,
    give_up_after: Duration,
) -> Result<(), Mismatch> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_key)?;
    if stage.status != Status::Running {
        return Err(Mismatch::StageIsNotRunning(stage_key.clone()));
    }
    stage.status = Status::Suspended;
    stage.suspended_state = Some(ticket.clone());
    // A time beyond the calendar is no limit.
    stage.max_wait_until = Some(instant::after(now, give_up_after)).filter(|end| *end < instant::NEVER);
    stage.error_message = None;
    let event = EventKind::StageSuspended {
        stage_id: stage.stage_id.clone(),
        place: stage.place.clone(),
        stage_name: stage.stage_name.clone(),
        next_check_ms: instant::milliseconds(check_after),
    };
    draft.enter_suspension(stage_key)?;
    requeue(draft, stage_key, check_after)?;
    draft.event(event)
}

/// Writes `Change::Postpone`.
pub(super) fn postpone(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    check_after: Duration,
) -> Result<(), Mismatch> {
    let stage = draft.stage_mut(stage_key)?;
    if stage.status != Status::Suspended {
        return Err(Mismatch::StageIsNotSuspended(stage_key.clone()));
    }
    stage.error_message = None;
    requeue(draft, stage_key, check_after)
}

/// Writes `Change::Wake`.
pub(super) fn wake(draft: &mut Draft<'_>, stage_key: &StageKey) -> Result<(), Mismatch> {
    let now = draft.now();
    if draft.stage(stage_key)?.status != Status::Suspended {
        return Err(Mismatch::StageIsNotSuspended(stage_key.clone()));
    }
    let job = draft.job_mut(stage_key)?;
    if job.status == Status::Running {
        // The running check may have asked before the event that woke the stage: another check must follow it.
        job.woken = true;
    } else {
        job.run_at = job.run_at.min(now);
        draft.notify_work();
    }
    Ok(())
}

/// Puts the job back for its next check, whose attempts count from zero.
fn requeue(draft: &mut Draft<'_>, stage_key: &StageKey, check_after: Duration) -> Result<(), Mismatch> {
    let now = draft.now();
    let job = draft.job_mut(stage_key)?;
    clear_lease(job, Status::Suspended);
    job.attempt = 0;
    job.max_attempts = job.max_attempts.saturating_sub(job.crashes);
    job.crashes = 0;
    job.run_at = if job.woken { now } else { instant::after(now, check_after) };
    job.woken = false;
    draft.notify_work();
    Ok(())
}

/// Writes `workflow:suspended` where this decision took the run's last active stage and the run is not terminal.
pub(super) fn emit_suspended(draft: &mut Draft<'_>) -> Result<(), Mismatch> {
    let before = draft.active_before();
    let run = draft.run()?;
    if before == 0 || run.active > 0 || run.suspended == 0 || run.status != Status::Running {
        return Ok(());
    }
    // Without a stage where another outcome, for example the completion of another branch, took the last active stage.
    let (stage_id, place) = draft.first_suspended().map(|key| (key.id, key.place)).unzip();
    draft.event(EventKind::WorkflowSuspended { stage_id, place: place.unwrap_or_default() })
}
