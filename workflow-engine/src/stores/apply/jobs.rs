//! Jobs: enqueued, claimed, returned.

use std::time::Duration;

use super::draft::Draft;
use super::mismatch::Mismatch;
use crate::records::{Claimant, ClaimedJob, EventKind, JobRecord, Lease, Status};
use crate::stores::instant;
use crate::value::StageKey;

/// Writes `Change::Enqueue`.
pub(super) fn enqueue(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    (max_attempts, max_crashes): (u32, u32),
    claimant: Option<&Claimant>,
) -> Result<(), Mismatch> {
    let stage = draft.stage(stage_key)?;
    let (stage_status, has_begun) = (stage.status, stage.started_at.is_some());
    let run = draft.run()?;
    let StageKey { id: stage_id, place } = stage_key.clone();
    let job = JobRecord {
        run_id: run.id,
        stage_id,
        place,
        workflow_id: run.workflow_id.clone(),
        definition_fingerprint: run.definition_fingerprint.clone(),
        generation: run.generation,
        status: requeued_status(stage_status),
        priority: run.priority,
        attempt: 0,
        max_attempts,
        crashes: 0,
        max_crashes,
        // Epochs count from zero. The generation keeps the leases of an earlier generation's job apart from these. A
        // stage that has begun has lost its job, and with it the number of its newest lease: only an epoch above all
        // that the job can have had fences those leases off, and a clock in microseconds is always above.
        lease_epoch: if has_begun { u64::try_from(draft.now().timestamp_micros()).unwrap_or(0) } else { 0 },
        worker_id: None,
        leased_until: None,
        run_at: draft.now(),
        woken: false,
    };
    let slot = draft.job_slot(stage_key);
    if slot.get().is_some_and(|old| old.generation == job.generation) {
        return Err(Mismatch::JobExists(stage_key.clone()));
    }
    slot.set(job);
    match stage_status {
        Status::Pending => draft.activate()?,
        Status::Running => {
            // The run's count of active stages includes it already.
            let stage = draft.stage_mut(stage_key)?;
            stage.status = Status::Pending;
            let (stage_name, attempt) = (stage.stage_name.clone(), stage.attempt);
            let (StageKey { id: stage_id, place }, reason) =
                (stage_key.clone(), "its job was missing".to_owned());
            draft.event(EventKind::StageReturned { stage_id, place, stage_name, attempt, reason })?;
        }
        _ => {}
    }
    if let Some(claimant) = claimant {
        return claim(draft, stage_key, claimant);
    }
    draft.applied().ready.push(stage_key.clone());
    draft.notify_work();
    Ok(())
}

/// Writes `Change::Release`.
pub(super) fn release(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    (max_attempts, max_crashes): (u32, u32),
    claimant: Option<&Claimant>,
) -> Result<(), Mismatch> {
    let stage = draft.stage_mut(stage_key)?;
    stage.waiting_on =
        stage.waiting_on.checked_sub(1).ok_or_else(|| Mismatch::StageIsReleased(stage_key.clone()))?;
    if stage.waiting_on > 0 {
        return Ok(());
    }
    enqueue(draft, stage_key, (max_attempts, max_crashes), claimant)
}

/// Writes `Change::Delay`.
pub(super) fn delay(draft: &mut Draft<'_>, stage_key: &StageKey, delay: Duration) -> Result<(), Mismatch> {
    let due = instant::after(draft.now(), delay);
    let Some(job) = draft.job(stage_key) else { return Ok(()) };
    let is_new = draft.job_before(stage_key).is_none_or(|before| before.generation != job.generation);
    if !is_new || job.status != Status::Pending {
        return Ok(());
    }
    draft.job_mut(stage_key)?.run_at = due;
    // A commit that claims queued jobs must not look for it.
    draft.applied().ready.retain(|ready| ready != stage_key);
    Ok(())
}

/// Writes `Change::Claim`.
pub(super) fn claim(
    draft: &mut Draft<'_>,
    stage_key: &StageKey,
    claimant: &Claimant,
) -> Result<(), Mismatch> {
    let now = draft.now();
    let since_creation = waited_for_start(draft);
    let run = draft.run()?;
    let deadline_at = run.times.deadline_at;
    let awaited_by = run.parent.clone().filter(|parent| parent.is_awaited);
    let job = draft.job_mut(stage_key)?;
    let waited = since_creation.unwrap_or_else(|| (now - job.run_at).to_std().unwrap_or_default());
    job.status = Status::Running;
    // The fence: every write of a worker is conditional on the epoch, and nothing resets it. The attempt number could
    // not serve, because returning a job lowers it.
    job.lease_epoch += 1;
    // Counted at the claim and not at the outcome, so that no two executions have the same number.
    job.attempt += 1;
    job.worker_id = Some(claimant.worker_id.clone());
    job.leased_until = Some(instant::after(now, claimant.lease));
    let attempt = job.attempt;
    let mut claimed = ClaimedJob {
        lease: Lease {
            run_id: job.run_id,
            stage_key: stage_key.clone(),
            generation: job.generation,
            epoch: job.lease_epoch,
        },
        workflow_id: job.workflow_id.clone(),
        definition_fingerprint: job.definition_fingerprint.clone(),
        priority: job.priority,
        attempt,
        max_attempts: job.max_attempts,
        crashes: job.crashes,
        is_poll: false,
        deadline_at,
        awaited_by,
        waited,
        idempotency_key: None,
    };
    let stage = draft.stage_mut(stage_key)?;
    let awaited_budget = stage.awaited_cost.take().is_some();
    if stage.status == Status::Suspended {
        claimed.is_poll = true;
        draft.applied().claimed.push(claimed);
        if awaited_budget {
            // `Change::Wake` has made the job due although its budget was not raised.
            draft.stage_spending_changed(stage_key);
        }
        return Ok(());
    }
    stage.status = Status::Running;
    stage.attempt = attempt;
    stage.started_at = Some(now);
    let event = EventKind::StageStarted {
        stage_id: stage.stage_id.clone(),
        place: stage.place.clone(),
        stage_name: stage.stage_name.clone(),
        stage_number: stage.stage_number,
        attempt,
        worker: claimant.number,
    };
    draft.applied().claimed.push(claimed);
    draft.event(event)
}

/// Returns how long the run had to wait for its start, where this commit starts it for the first time: its jobs are new.
fn waited_for_start(draft: &Draft<'_>) -> Option<Duration> {
    let run = draft.run().ok()?;
    let starts = run.generation == 1 && run.started_at == Some(draft.now());
    starts.then(|| (draft.now() - run.created_at).to_std().unwrap_or_default())
}

/// Writes `Change::ClaimQueued`.
pub(super) fn claim_queued(
    draft: &mut Draft<'_>,
    stage_keys: &[StageKey],
    claimant: &Claimant,
    room: usize,
) -> Result<(), Mismatch> {
    for stage_key in stage_keys {
        if draft.applied().claimed.len() >= room {
            break;
        }
        let (now, generation) = (draft.now(), draft.run()?.generation);
        let is_queued = draft.job_slot(stage_key).get().is_some_and(|job| {
            job.status == Status::Pending
                && job.generation == generation
                && job.run_at <= now
                && job.attempt < job.max_attempts
        });
        if is_queued {
            claim(draft, stage_key, claimant)?;
        }
    }
    Ok(())
}

/// Writes `Change::ReturnJob`.
pub(super) fn return_job(draft: &mut Draft<'_>, stage_key: &StageKey, reason: &str) -> Result<(), Mismatch> {
    let now = draft.now();
    let stage = draft.stage_mut(stage_key)?;
    stage.status = requeued_status(stage.status);
    let (status, stage_name) = (stage.status, stage.stage_name.clone());
    if status == Status::Pending {
        stage.attempt = stage.attempt.saturating_sub(1);
    }
    let job = draft.job_mut(stage_key)?;
    clear_lease(job, status);
    job.run_at = now;
    let attempt = job.attempt;
    job.attempt = attempt.saturating_sub(1);
    draft.applied().ready.push(stage_key.clone());
    draft.notify_work();
    if status == Status::Suspended {
        // The claim of a check wrote no event either.
        return Ok(());
    }
    let (StageKey { id: stage_id, place }, reason) = (stage_key.clone(), reason.to_owned());
    draft.event(EventKind::StageReturned { stage_id, place, stage_name, attempt, reason })
}

/// Returns the status of a stage that goes back to the queue: a suspended stage is checked again, not run again.
pub(super) fn requeued_status(status: Status) -> Status {
    if status == Status::Suspended { Status::Suspended } else { Status::Pending }
}

/// Ends the job's lease. The epoch stays, so the next claim raises it above every lease that the job has had.
pub(super) fn clear_lease(job: &mut JobRecord, status: Status) {
    job.status = status;
    job.worker_id = None;
    job.leased_until = None;
}
