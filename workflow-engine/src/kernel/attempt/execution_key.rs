//! The idempotency key of `job.execute`, the one command that spans two commits.
//!
//! The first commit claims the job, and writes the key with the lease. The outcome's commit writes the outcome under the
//! key. In between the key names the lease under which the command runs, so that another request can take over from a
//! process that has died.

use serde::{Deserialize, Serialize};

use super::outcome::JobOutcome;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::idempotency;
use crate::kernel::lost_lease::{LossReason, LostJob};
use crate::ports::{Applied, Change, Commit, Decision, IdempotencyEntry, Precondition, Snapshot};
use crate::records::{Claimant, ClaimedJob, Lease};
use crate::value::{Json, RunId, StageKey};

/// The name of the command.
pub(in crate::kernel) const COMMAND: &str = "job.execute";

/// The stored value of the key.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeyState {
    InProgress(Lease),
    Done(JobOutcome),
}

#[derive(Serialize)]
struct Request<'a>(RunId, &'a StageKey);

/// The result of a claim.
pub(in crate::kernel) enum KeyedClaim {
    Claimed(Box<ClaimedJob>),
    /// Another request with the same key has executed the job meanwhile.
    Done(JobOutcome),
    /// The stage has no job that can be claimed.
    NotClaimable,
}

/// Returns the change that completes the key under which the job was claimed, if there is one.
pub(super) fn completion(job: &ClaimedJob, outcome: &JobOutcome) -> Option<Change> {
    let key = job.idempotency_key.clone()?;
    // Encoding cannot fail, because an outcome holds only texts and numbers.
    let result = Json::write(&KeyState::Done(outcome.clone())).ok()?;
    Some(Change::CompleteIdempotencyKey { command: COMMAND, key, result })
}

/// Returns the entry of a key. Its result, which holds the lease, is filled in by [`claim`].
pub(in crate::kernel) fn entry(
    run_id: RunId,
    stage_key: &StageKey,
    key: Option<&str>,
) -> Result<Option<IdempotencyEntry>, Error> {
    key.map(|key| idempotency::entry(COMMAND, key, &Request(run_id, stage_key), &())).transpose()
}

/// Returns the outcome of an earlier request with this key; `None` where the key is new, or its job was taken over.
pub(in crate::kernel) async fn earlier_outcome(
    kernel: &Kernel,
    run_id: RunId,
    entry: Option<&IdempotencyEntry>,
) -> Result<Option<JobOutcome>, Error> {
    let Some(entry) = entry else { return Ok(None) };
    if kernel.store().run(run_id).await?.is_none() {
        return Err(Error::run_not_found(run_id));
    }
    let mut taken_over = None;
    loop {
        match idempotency::stored_output(kernel, run_id, entry).await? {
            None => return Ok(None),
            Some(KeyState::Done(outcome)) => return Ok(Some(outcome)),
            Some(KeyState::InProgress(lease)) if taken_over.as_ref() == Some(&lease) => return Ok(None),
            Some(KeyState::InProgress(lease)) => {
                take_over(kernel, entry, lease.clone()).await?;
                // The job may have ended since the key was read: then its outcome is under the key now.
                taken_over = Some(lease);
            }
        }
    }
}

/// Takes the job back from the process that executed it under this key, if its lease has expired by the store's clock.
async fn take_over(kernel: &Kernel, entry: &IdempotencyEntry, lease: Lease) -> Result<(), Error> {
    let snapshot = kernel.store().snapshot(lease.run_id).await?;
    let jobs = snapshot.map(|snapshot| snapshot.jobs).unwrap_or_default();
    let held = jobs.into_iter().find(|job| {
        job.is_of(&lease.stage_key)
            && job.generation == lease.generation
            && job.lease_epoch == lease.epoch
            && job.worker_id.is_some()
    });
    // Otherwise the job is in the queue, or another worker holds it under a newer lease.
    let Some(job) = held else { return Ok(()) };
    match (LostJob { job, reason: LossReason::LeaseExpired }).take_back(kernel).await? {
        Some(_) => Ok(()),
        None => Err(Error::idempotency_in_progress(&entry.key, entry.command)),
    }
}

/// Claims the job of a stage, and writes the key in the same commit.
pub(in crate::kernel) async fn claim(
    kernel: &Kernel,
    stage_key: &StageKey,
    snapshot: &Snapshot,
    claimant: &Claimant,
    entry: Option<IdempotencyEntry>,
) -> Result<KeyedClaim, Error> {
    let (run_id, generation) = (snapshot.run.id, snapshot.run.generation);
    let key_of_stage = || stage_key.clone();
    let mut changes = vec![Change::Claim { stage_key: key_of_stage(), claim: claimant.clone() }];
    let Some(entry) = entry else {
        let precondition = Precondition::Claimable { stage_key: key_of_stage(), generation };
        let decision = Decision { run_id, command: COMMAND, precondition, idempotency: None, changes };
        return Ok(match kernel.commit(decision).await? {
            Commit::Applied(applied) => claimed(applied, None),
            Commit::PreconditionFailed | Commit::Duplicate { .. } => KeyedClaim::NotClaimable,
        });
    };

    // The key names the lease that this commit takes, so the claim is bound to the epoch before it.
    let job = snapshot.job(stage_key);
    let Some(epoch) = job.map(|job| job.lease_epoch) else { return Ok(KeyedClaim::NotClaimable) };
    let lease = Lease { run_id, stage_key: key_of_stage(), generation, epoch: epoch + 1 };
    let result = Json::write(&KeyState::InProgress(lease))
        .map_err(|error| Error::stored_answer(&entry.key, entry.command, error))?;
    let key = entry.key.clone();
    let idempotency = match idempotency::stored_output(kernel, run_id, &entry).await? {
        Some(KeyState::Done(outcome)) => return Ok(KeyedClaim::Done(outcome)),
        Some(KeyState::InProgress(_)) => {
            changes.push(Change::CompleteIdempotencyKey { command: entry.command, key: key.clone(), result });
            None
        }
        None => Some(IdempotencyEntry { result, ..entry.clone() }),
    };
    let precondition = Precondition::ClaimableAt { stage_key: key_of_stage(), generation, epoch };
    match kernel.commit(Decision { run_id, command: COMMAND, precondition, idempotency, changes }).await? {
        Commit::Applied(applied) => Ok(claimed(applied, Some(key))),
        Commit::PreconditionFailed => Ok(KeyedClaim::NotClaimable),
        Commit::Duplicate { request_hash, result } => {
            match idempotency::first_output(&entry, &request_hash, &result)? {
                KeyState::Done(outcome) => Ok(KeyedClaim::Done(outcome)),
                KeyState::InProgress(_) => Err(Error::idempotency_in_progress(&entry.key, entry.command)),
            }
        }
    }
}

fn claimed(mut applied: Applied, idempotency_key: Option<String>) -> KeyedClaim {
    let job = applied.claimed.pop();
    job.map_or(KeyedClaim::NotClaimable, |job| {
        KeyedClaim::Claimed(Box::new(ClaimedJob { idempotency_key, ..job }))
    })
}
