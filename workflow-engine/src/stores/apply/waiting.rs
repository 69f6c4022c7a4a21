//! Stages that wait for something outside.

use std::time::Duration;

use super::changes::give_up_lease;
use super::draft::{Draft, Impossible};
use crate::ports::{Change, Decision};
use crate::records::{EventKind, Status, StoredValue};
use crate::stores::instant;

/// `Change::Suspend`.
pub(super) fn suspend(
    draft: &mut Draft<'_>,
    stage_id: &str,
    ticket: &StoredValue,
    check_after: Duration,
    give_up_after: Duration,
) -> Result<(), Impossible> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_id)?;
    if stage.status != Status::Running {
        return Err(Impossible::StageIsNotRunning(stage_id.to_owned()));
    }
    stage.status = Status::Suspended;
    stage.suspended_state = Some(ticket.clone());
    stage.max_wait_until = Some(instant::after(now, give_up_after));
    stage.error_message = None;
    let event = EventKind::StageSuspended {
        stage_id: stage.stage_id.clone(),
        stage_name: stage.stage_name.clone(),
        next_check_ms: u64::try_from(check_after.as_millis()).unwrap_or(u64::MAX),
    };
    draft.suspend()?;
    requeue(draft, stage_id, check_after)?;
    draft.event(event)
}

/// `Change::Postpone`.
pub(super) fn postpone(
    draft: &mut Draft<'_>,
    stage_id: &str,
    check_after: Duration,
) -> Result<(), Impossible> {
    let stage = draft.stage_mut(stage_id)?;
    if stage.status != Status::Suspended {
        return Err(Impossible::StageDoesNotWait(stage_id.to_owned()));
    }
    stage.error_message = None;
    requeue(draft, stage_id, check_after)
}

/// `Change::Wake`.
pub(super) fn wake(draft: &mut Draft<'_>, stage_id: &str) -> Result<(), Impossible> {
    let now = draft.now();
    if draft.stage(stage_id)?.status != Status::Suspended {
        return Err(Impossible::StageDoesNotWait(stage_id.to_owned()));
    }
    let job = draft.job_mut(stage_id)?;
    if job.status == Status::Running {
        // The check that runs may have looked before whatever woke the stage.
        job.woken = true;
    } else {
        job.run_at = job.run_at.min(now);
        draft.announce_work();
    }
    Ok(())
}

/// The job waits for its next check, whose attempts begin anew.
fn requeue(draft: &mut Draft<'_>, stage_id: &str, check_after: Duration) -> Result<(), Impossible> {
    let now = draft.now();
    let job = draft.job_mut(stage_id)?;
    give_up_lease(job, Status::Suspended);
    job.attempt = 0;
    job.run_at = if job.woken { now } else { instant::after(now, check_after) };
    job.woken = false;
    draft.announce_work();
    Ok(())
}

/// Writes `workflow:suspended` where this decision took the last stage that could go on, and the run is not over.
pub(super) fn emit_suspended(draft: &mut Draft<'_>, decision: &Decision) -> Result<(), Impossible> {
    let before = draft.active_before();
    let run = draft.run()?;
    if before == 0 || run.active > 0 || run.suspended == 0 || run.status != Status::Running {
        return Ok(());
    }
    let stage_id = decision.changes.iter().find_map(|change| match change {
        Change::Suspend { stage_id, .. } => Some(stage_id.clone()),
        _ => None,
    });
    draft.event(EventKind::WorkflowSuspended { stage_id })
}
