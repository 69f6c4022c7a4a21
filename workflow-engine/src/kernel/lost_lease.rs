//! A job whose worker is dead, or whose lease has expired.

use std::time::Duration;

use super::Kernel;
use super::failure::{FinalFailure, fail_for_good};
use crate::error::{Error, ErrorCode};
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::records::{JobRecord, Lease};

/// The result of taking a job back from its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakenBack {
    /// The job is in the queue again.
    Released,
    /// It was the last attempt, so the stage and its run have failed.
    Failed,
}

/// Takes a job back from its worker. Returns `None` where the worker no longer holds it or, with `expired`, the lease
/// has not expired by the store's clock.
pub(super) async fn take_back(
    kernel: &Kernel,
    job: JobRecord,
    expired: bool,
) -> Result<Option<TakenBack>, Error> {
    let worker = job.worker_id.as_deref().unwrap_or("unknown");
    let error = format!("worker `{worker}` was lost during attempt {}", job.attempt);
    let lease = Lease {
        run_id: job.run_id,
        stage_id: job.stage_id,
        generation: job.generation,
        epoch: job.lease_epoch,
    };
    // Attempts count at the claim, so a stage that kills its process stops at its limit.
    if job.attempt >= job.max_attempts {
        let failure =
            FinalFailure { lease, expired, code: ErrorCode::WorkerLost, error, completed_key: None };
        return Ok(fail_for_good(kernel, failure).await?.then_some(TakenBack::Failed));
    }
    let change = Change::Retry { stage_id: lease.stage_id.clone(), error, delay: Duration::ZERO };
    let run_id = lease.run_id;
    let precondition = if expired { Precondition::ExpiredLease(lease) } else { Precondition::Lease(lease) };
    let decision = Decision { run_id, precondition, idempotency: None, changes: vec![change] };
    let commit = kernel.store().commit(decision).await?;
    Ok(matches!(commit, Commit::Applied(_)).then_some(TakenBack::Released))
}
