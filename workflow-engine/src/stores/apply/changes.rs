//! Each change, as its documentation says.

use chrono::{DateTime, Utc};

use super::calls;
use super::draft::{Draft, Impossible};
use super::rerun::rerun;
use super::side_rows;
use super::{runs, waiting};
use crate::ports::Change;
use crate::records::{Claimant, ClaimedJob, EventKind, JobRecord, Lease, StageRecord, Status, StoredValue};
use crate::stores::instant;
use crate::stores::working_set::LogRow;

/// Writes one change.
pub(super) fn write(draft: &mut Draft<'_>, change: &Change) -> Result<(), Impossible> {
    match change {
        Change::CreateRun(new) => runs::create_run(draft, new),
        Change::StartRun { stages, waiting_on } => runs::start_run(draft, stages, *waiting_on),
        Change::Enqueue { stage_id, max_attempts, claim } => {
            enqueue(draft, stage_id, *max_attempts, claim.as_ref())
        }
        Change::Claim { stage_id, claim } => take(draft, stage_id, claim),
        Change::ClaimQueued { stage_ids, claim, room } => take_queued(draft, stage_ids, claim, *room),
        Change::Complete { stage_id, output, elapsed } => {
            let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
            complete(draft, stage_id, output, duration_ms)
        }
        Change::Release { stage_id, max_attempts, claim } => {
            release(draft, stage_id, *max_attempts, claim.as_ref())
        }
        Change::ReleaseRun { output } => runs::release_run(draft, output.as_ref()),
        Change::Suspend { stage_id, ticket, check_after, give_up_after } => {
            waiting::suspend(draft, stage_id, ticket, *check_after, *give_up_after)
        }
        Change::Postpone { stage_id, check_after } => waiting::postpone(draft, stage_id, *check_after),
        Change::Wake { stage_id } => waiting::wake(draft, stage_id),
        Change::Retry { stage_id, error, delay } => retry(draft, stage_id, error, *delay),
        Change::ReturnJob { stage_id } => hand_back(draft, stage_id),
        Change::Fail { stage_id, error } => fail(draft, stage_id, error),
        Change::Cancel { stage_id } => cancel(draft, stage_id),
        Change::EndRun(end) => runs::end_run(draft, end),
        Change::Rerun { stages, waiting_on } => rerun(draft, stages, *waiting_on),
        Change::Recount { active, suspended } => draft.recount(*active, *suspended),
        Change::CompleteIdempotencyKey { command, key, result } => draft.answer(command, key, result),
        Change::PutBlob { key, value } => {
            draft.put_blob(key, value);
            Ok(())
        }
        Change::Log { stage_id, level, message, fields } => {
            let line = LogRow {
                run_id: draft.run_id(),
                attempt: draft.stage(stage_id)?.attempt,
                stage_id: stage_id.clone(),
                at: draft.now(),
                level: *level,
                message: message.clone(),
                fields: fields.clone(),
            };
            draft.log(line);
            Ok(())
        }
        Change::Progress { stage_id, fraction, message } => {
            let stage_id = draft.stage(stage_id)?.stage_id.clone();
            draft.event(EventKind::StageProgress { stage_id, fraction: *fraction, message: message.clone() })
        }
        Change::Annotate { .. }
        | Change::PutArtifact { .. }
        | Change::DeleteArtifact { .. }
        | Change::RecordMetrics { .. }
        | Change::Execute { .. } => side_rows::attach(draft, change),
        Change::ReserveCall { .. }
        | Change::SettleCall { .. }
        | Change::SetBudget { .. }
        | Change::AwaitBudget { .. }
        | Change::Resume { .. } => calls::account(draft, change),
    }
}

fn enqueue(
    draft: &mut Draft<'_>,
    stage_id: &str,
    max_attempts: u32,
    claim: Option<&Claimant>,
) -> Result<(), Impossible> {
    let stage = draft.stage(stage_id)?;
    let (was, has_begun) = (stage.status, stage.started_at.is_some());
    let run = draft.run()?;
    let job = JobRecord {
        run_id: run.id,
        stage_id: stage_id.to_owned(),
        workflow_id: run.workflow_id.clone(),
        definition_fingerprint: run.definition_fingerprint.clone(),
        generation: run.generation,
        status: requeued(was),
        priority: run.priority,
        attempt: 0,
        max_attempts,
        // A job of an earlier generation may be replaced; the generation keeps its leases from meeting these. Leases
        // of a job that was lost are met by nothing but an epoch above them, and they count from zero.
        lease_epoch: if has_begun { u64::try_from(draft.now().timestamp_micros()).unwrap_or(0) } else { 0 },
        worker_id: None,
        leased_until: None,
        run_at: draft.now(),
        woken: false,
    };
    let slot = draft.job_slot(stage_id);
    if slot.get().is_some_and(|old| old.generation == job.generation) {
        return Err(Impossible::JobExists(stage_id.to_owned()));
    }
    slot.set(job);
    match was {
        Status::Pending => draft.activate()?,
        // It has been counted.
        Status::Running => draft.stage_mut(stage_id)?.status = Status::Pending,
        _ => {}
    }
    if let Some(claim) = claim {
        return take(draft, stage_id, claim);
    }
    draft.applied().ready.push(stage_id.to_owned());
    draft.announce_work();
    Ok(())
}

/// `Change::Claim`.
fn take(draft: &mut Draft<'_>, stage_id: &str, claim: &Claimant) -> Result<(), Impossible> {
    let now = draft.now();
    let job = draft.job_mut(stage_id)?;
    job.status = Status::Running;
    job.lease_epoch += 1;
    job.attempt += 1;
    job.worker_id = Some(claim.worker_id.clone());
    job.leased_until = Some(instant::after(now, claim.lease));
    let attempt = job.attempt;
    let mut claimed = ClaimedJob {
        lease: Lease {
            run_id: job.run_id,
            stage_id: stage_id.to_owned(),
            generation: job.generation,
            epoch: job.lease_epoch,
        },
        workflow_id: job.workflow_id.clone(),
        definition_fingerprint: job.definition_fingerprint.clone(),
        priority: job.priority,
        attempt,
        max_attempts: job.max_attempts,
        is_poll: false,
        idempotency_key: None,
    };
    let stage = draft.stage_mut(stage_id)?;
    let awaited_budget = stage.awaited_cost.take().is_some();
    if stage.status == Status::Suspended {
        claimed.is_poll = true;
        draft.applied().claimed.push(claimed);
        if awaited_budget {
            // Somebody has woken it.
            draft.stage_spending_has_changed(stage_id);
        }
        return Ok(());
    }
    stage.status = Status::Running;
    stage.attempt = attempt;
    stage.started_at = Some(now);
    let event = EventKind::StageStarted {
        stage_id: stage.stage_id.clone(),
        stage_name: stage.stage_name.clone(),
        stage_number: stage.stage_number,
        attempt,
    };
    draft.applied().claimed.push(claimed);
    draft.event(event)
}

/// `Change::ClaimQueued`.
fn take_queued(
    draft: &mut Draft<'_>,
    stage_ids: &[String],
    claim: &Claimant,
    room: usize,
) -> Result<(), Impossible> {
    for stage_id in stage_ids {
        if draft.applied().claimed.len() >= room {
            break;
        }
        let (now, generation) = (draft.now(), draft.run()?.generation);
        let is_queued = draft.job_slot(stage_id).get().is_some_and(|job| {
            job.status == Status::Pending
                && job.generation == generation
                && job.run_at <= now
                && job.attempt < job.max_attempts
        });
        if is_queued {
            take(draft, stage_id, claim)?;
        }
    }
    Ok(())
}

fn complete(
    draft: &mut Draft<'_>,
    stage_id: &str,
    output: &StoredValue,
    duration_ms: u64,
) -> Result<(), Impossible> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_id)?;
    let waited = stage.status == Status::Suspended;
    close(stage, Status::Completed, now)?;
    stage.output = Some(output.clone());
    stage.error_message = None;
    let stage_name = stage.stage_name.clone();
    draft.job_slot(stage_id).delete();
    if waited {
        draft.resume()?;
    } else {
        draft.deactivate()?;
    }
    draft.event(EventKind::StageCompleted { stage_id: stage_id.to_owned(), stage_name, duration_ms })
}

fn release(
    draft: &mut Draft<'_>,
    stage_id: &str,
    max_attempts: u32,
    claim: Option<&Claimant>,
) -> Result<(), Impossible> {
    let stage = draft.stage_mut(stage_id)?;
    stage.waiting_on =
        stage.waiting_on.checked_sub(1).ok_or_else(|| Impossible::StageIsReleased(stage_id.to_owned()))?;
    if stage.waiting_on > 0 {
        return Ok(());
    }
    enqueue(draft, stage_id, max_attempts, claim)
}

fn retry(
    draft: &mut Draft<'_>,
    stage_id: &str,
    error: &str,
    delay: std::time::Duration,
) -> Result<(), Impossible> {
    let due = instant::after(draft.now(), delay);
    let stage = draft.stage_mut(stage_id)?;
    stage.status = requeued(stage.status);
    stage.error_message = Some(error.to_owned());
    let (stage_name, status) = (stage.stage_name.clone(), stage.status);
    let job = draft.job_mut(stage_id)?;
    give_up_lease(job, status);
    job.run_at = due;
    let event = EventKind::StageRetrying {
        stage_id: stage_id.to_owned(),
        stage_name,
        attempt: job.attempt,
        error: error.to_owned(),
        delay_ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
    };
    draft.announce_work();
    draft.event(event)
}

fn hand_back(draft: &mut Draft<'_>, stage_id: &str) -> Result<(), Impossible> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_id)?;
    stage.status = requeued(stage.status);
    let status = stage.status;
    if status == Status::Pending {
        stage.attempt = stage.attempt.saturating_sub(1);
    }
    let job = draft.job_mut(stage_id)?;
    give_up_lease(job, status);
    job.run_at = now;
    job.attempt = job.attempt.saturating_sub(1);
    draft.applied().ready.push(stage_id.to_owned());
    draft.announce_work();
    Ok(())
}

fn fail(draft: &mut Draft<'_>, stage_id: &str, error: &str) -> Result<(), Impossible> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_id)?;
    close(stage, Status::Failed, now)?;
    stage.error_message = Some(error.to_owned());
    let event = EventKind::StageFailed {
        stage_id: stage.stage_id.clone(),
        stage_name: stage.stage_name.clone(),
        attempt: stage.attempt,
        error: error.to_owned(),
    };
    if let Some(job) = draft.job_slot(stage_id).get_mut() {
        give_up_lease(job, Status::Dead);
    }
    draft.event(event)
}

fn cancel(draft: &mut Draft<'_>, stage_id: &str) -> Result<(), Impossible> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_id)?;
    close(stage, Status::Cancelled, now)?;
    let event =
        EventKind::StageCancelled { stage_id: stage.stage_id.clone(), stage_name: stage.stage_name.clone() };
    draft.job_slot(stage_id).delete();
    draft.event(event)
}

/// What a stage is that is to be claimed again: one that waits is checked, not run.
pub(super) fn requeued(status: Status) -> Status {
    if status == Status::Suspended { Status::Suspended } else { Status::Pending }
}

/// The stage is over. It is so once in a generation, whatever a guard has let through.
fn close(stage: &mut StageRecord, status: Status, now: DateTime<Utc>) -> Result<(), Impossible> {
    if stage.status.is_terminal() {
        return Err(Impossible::StageIsOver(stage.stage_id.clone()));
    }
    stage.status = status;
    stage.completed_at = Some(now);
    Ok(())
}

/// Nobody holds the job any more. Its epoch stays: the next claim raises it above every lease that was ever given.
pub(super) fn give_up_lease(job: &mut JobRecord, status: Status) {
    job.status = status;
    job.worker_id = None;
    job.leased_until = None;
}
