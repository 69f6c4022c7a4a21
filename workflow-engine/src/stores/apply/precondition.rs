//! Checks whether the precondition of a decision holds.

use chrono::{DateTime, Utc};

use crate::ports::{Precondition, Revision};
use crate::records::{JobRecord, Lease, RunRecord, Status};
use crate::stores::working_set::WorkingSet;
use crate::value::{RunId, StageKey};

/// Returns whether `precondition` holds for this run at `now`.
pub(in crate::stores) fn holds(
    precondition: &Precondition,
    set: &WorkingSet,
    run_id: RunId,
    now: DateTime<Utc>,
) -> bool {
    let Some(run) = set.run(run_id) else { return holds_without_run(precondition, set) };
    let job = |stage_key: &StageKey| set.stage(run_id, stage_key).and_then(|rows| rows.job.get());
    match precondition {
        Precondition::Absent | Precondition::Schedule { .. } => false,
        Precondition::Present => true,
        Precondition::Revision(revision) => is_at(run, *revision),
        Precondition::Claimable { stage_key, generation } => {
            job(stage_key).is_some_and(|job| is_claimable(run, job, *generation, now))
        }
        Precondition::ClaimableAt { stage_key, generation, epoch } => job(stage_key)
            .is_some_and(|job| is_claimable(run, job, *generation, now) && job.lease_epoch == *epoch),
        Precondition::Lease(lease) => is_held(run, job(&lease.stage_key), lease),
        Precondition::LeaseAndRevision(lease, revision) => {
            is_held(run, job(&lease.stage_key), lease) && is_at(run, *revision)
        }
        Precondition::ExpiredLease(lease) => {
            is_held(run, job(&lease.stage_key), lease) && has_expired(job(&lease.stage_key), now)
        }
        Precondition::ExpiredLeaseAndRevision(lease, revision) => {
            is_held(run, job(&lease.stage_key), lease)
                && has_expired(job(&lease.stage_key), now)
                && is_at(run, *revision)
        }
    }
}

fn holds_without_run(precondition: &Precondition, set: &WorkingSet) -> bool {
    match precondition {
        Precondition::Absent => true,
        Precondition::Schedule { id, version } => {
            set.schedules.get(id).is_some_and(|schedule| schedule.version == *version)
        }
        _ => false,
    }
}

fn is_at(run: &RunRecord, revision: Revision) -> bool {
    run.version == revision.version && run.last_sequence == revision.last_sequence
}

fn is_claimable(run: &RunRecord, job: &JobRecord, generation: u32, now: DateTime<Utc>) -> bool {
    run.status == Status::Running
        && run.generation == generation
        && job.generation == generation
        && matches!(job.status, Status::Pending | Status::Suspended)
        && job.run_at <= now
        && job.attempt < job.max_attempts
}

/// Returns whether the lease is the job's newest. Its end does not matter: a slow worker whose job has not been
/// claimed again may still commit its outcome.
fn is_held(run: &RunRecord, job: Option<&JobRecord>, lease: &Lease) -> bool {
    job.is_some_and(|job| {
        run.status == Status::Running
            && run.id == lease.run_id
            && run.generation == lease.generation
            && job.status == Status::Running
            && job.generation == lease.generation
            && job.lease_epoch == lease.epoch
    })
}

fn has_expired(job: Option<&JobRecord>, now: DateTime<Utc>) -> bool {
    job.and_then(|job| job.leased_until).is_some_and(|until| until <= now)
}
