//! Outcomes of a stage: completed, retried, failed, cancelled, skipped.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::draft::Draft;
use super::jobs::{clear_lease, requeued_status};
use super::mismatch::Mismatch;
use crate::records::{EventKind, StageRecord, Status, StoredValue};
use crate::stores::instant;
use crate::value::{Json, StageKey};

/// Writes `Change::Complete`.
pub(super) fn complete(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    output: &StoredValue,
    elapsed: Duration,
) -> Result<(), Mismatch> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_key)?;
    let was_suspended = stage.status == Status::Suspended;
    finish(stage, Status::Completed, now)?;
    stage.output = Some(output.clone());
    stage.error_message = None;
    let (stage_name, arm) = (stage.stage_name.clone(), stage.arm);
    draft.job_slot(stage_key).delete();
    if was_suspended {
        draft.leave_suspension()?;
    } else {
        draft.deactivate()?;
    }
    let duration_ms = instant::milliseconds(elapsed);
    let StageKey { id: stage_id, place } = stage_key.clone();
    draft.event(EventKind::StageCompleted { stage_id, place, stage_name, duration_ms, arm })
}

/// Writes `Change::Choose`.
pub(super) fn choose(draft: &mut Draft<'_>, stage_key: &StageKey, arm: u32) -> Result<(), Mismatch> {
    draft.stage_mut(stage_key)?.arm = Some(arm);
    Ok(())
}

/// Writes `Change::Catch`.
pub(super) fn catch(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    failed: &StageKey,
    failure: &Json,
) -> Result<(), Mismatch> {
    draft.stage_mut(stage_key)?.failure = Some(failure.clone());
    draft.job_slot(failed).delete();
    Ok(())
}

/// Writes `Change::Skip`. The stage waits for another one, so it has no job.
pub(super) fn skip(draft: &mut Draft<'_>, stage_key: &StageKey, because: &str) -> Result<(), Mismatch> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_key)?;
    finish(stage, Status::Skipped, now)?;
    let event = EventKind::StageSkipped {
        stage_id: stage.stage_id.clone(),
        place: stage.place.clone(),
        stage_name: stage.stage_name.clone(),
        because: because.to_owned(),
    };
    draft.event(event)
}

/// Writes `Change::TakeOver`.
pub(super) fn take_over(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    output: &StoredValue,
) -> Result<(), Mismatch> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_key)?;
    stage.status = Status::Completed;
    stage.output = Some(output.clone());
    stage.completed_at = Some(now);
    Ok(())
}

/// Writes `Change::Retry`.
pub(super) fn retry(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    error: &str,
    delay: Duration,
) -> Result<(), Mismatch> {
    let due = instant::after(draft.now(), delay);
    let stage = draft.stage_mut(stage_key)?;
    stage.status = requeued_status(stage.status);
    stage.error_message = Some(error.to_owned());
    let (stage_name, status) = (stage.stage_name.clone(), stage.status);
    let job = draft.job_mut(stage_key)?;
    clear_lease(job, status);
    job.run_at = due;
    let StageKey { id: stage_id, place } = stage_key.clone();
    let event = EventKind::StageRetrying {
        stage_id,
        place,
        stage_name,
        attempt: job.attempt,
        error: error.to_owned(),
        delay_ms: instant::milliseconds(delay),
    };
    draft.notify_work();
    draft.event(event)
}

/// Writes `Change::NoteError`.
pub(super) fn note_error(draft: &mut Draft<'_>, stage_key: &StageKey, error: &str) -> Result<(), Mismatch> {
    draft.stage_mut(stage_key)?.error_message = Some(error.to_owned());
    Ok(())
}

/// Writes `Change::RecordCrash`.
pub(super) fn record_crash(draft: &mut Draft<'_>, stage_key: &StageKey, error: &str) -> Result<(), Mismatch> {
    let job = draft.job_mut(stage_key)?;
    job.crashes = job.crashes.saturating_add(1);
    // Only failures of the body use up the attempts of the policy.
    job.max_attempts = job.max_attempts.saturating_add(1);
    retry(draft, stage_key, error, Duration::ZERO)
}

/// Writes `Change::Fail`.
pub(super) fn fail(draft: &mut Draft<'_>, stage_key: &StageKey, error: &str) -> Result<(), Mismatch> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_key)?;
    finish(stage, Status::Failed, now)?;
    stage.error_message = Some(error.to_owned());
    let event = EventKind::StageFailed {
        stage_id: stage.stage_id.clone(),
        place: stage.place.clone(),
        stage_name: stage.stage_name.clone(),
        attempt: stage.attempt,
        error: error.to_owned(),
    };
    if let Some(job) = draft.job_slot(stage_key).get_mut() {
        clear_lease(job, Status::Dead);
    }
    draft.event(event)
}

/// Writes `Change::Cancel`.
pub(super) fn cancel(draft: &mut Draft<'_>, stage_key: &StageKey) -> Result<(), Mismatch> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_key)?;
    finish(stage, Status::Cancelled, now)?;
    let event = EventKind::StageCancelled {
        stage_id: stage.stage_id.clone(),
        place: stage.place.clone(),
        stage_name: stage.stage_name.clone(),
    };
    draft.job_slot(stage_key).delete();
    draft.event(event)
}

/// Gives the stage a terminal status. A stage becomes terminal once in a generation, whatever the precondition allows.
fn finish(stage: &mut StageRecord, status: Status, now: DateTime<Utc>) -> Result<(), Mismatch> {
    if stage.status.is_terminal() {
        return Err(Mismatch::StageIsTerminal(stage.key()));
    }
    stage.status = status;
    stage.completed_at = Some(now);
    Ok(())
}
