//! Leases that were lost: of workers that are dead, or that did not renew them in time.

use super::Kernel;
use super::failure::{FinalFailure, fail_for_good};
use crate::error::{Error, ErrorCode};
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::records::{JobRecord, Lease, Status};

/// Returns whether this lease was lost to another worker, and not because its run has ended or was rerun. Where the store
/// cannot be read, it may have been.
pub(crate) async fn is_lost_to_another(kernel: &Kernel, lease: &Lease) -> bool {
    match kernel.store().run(lease.run_id).await {
        Ok(run) => run.is_some_and(|run| run.status == Status::Running && run.generation == lease.generation),
        Err(_) => true,
    }
}

/// The result of taking a job back from its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakenBack {
    /// The job is in the queue again.
    Released,
    /// It was the last attempt, so the stage and its run have failed.
    Failed,
}

/// Why a worker has lost a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LossReason {
    /// Its process has certainly ended, so its leases are void before they expire.
    WorkerDied,
    /// It did not renew the lease in time.
    LeaseExpired,
}

/// A job that its worker has lost.
pub(super) struct LostJob {
    pub(super) job: JobRecord,
    pub(super) reason: LossReason,
}

impl LostJob {
    /// Returns whether the stage fails with this crash: a stage that kills its process stops at its limit.
    pub(super) const fn was_last(&self) -> bool {
        self.job.crashes + 1 >= self.job.max_crashes
    }

    /// Returns whether this process can take the job back. A last crash fails the stage, and only the definition says
    /// whether a `catch` is around it, so that crash is left to a process that has the definition.
    pub(super) fn is_decidable(&self, kernel: &Kernel) -> bool {
        !self.was_last() || kernel.registry().by_fingerprint(&self.job.definition_fingerprint).is_some()
    }

    /// Takes the job back from its worker. Returns `None` where the worker no longer holds it or, for an expired lease,
    /// the lease has not expired by the store's clock; and where this process lacks the definition that it needs.
    pub(super) async fn take_back(self, kernel: &Kernel) -> Result<Option<TakenBack>, Error> {
        let was_last = self.was_last();
        let Self { job, reason } = self;
        let expired = reason == LossReason::LeaseExpired;
        let worker = job.worker_id.as_deref().unwrap_or("unknown");
        let error = format!("worker `{worker}` was lost during attempt {}", job.attempt);
        let lease = Lease {
            run_id: job.run_id,
            stage_key: job.key(),
            generation: job.generation,
            epoch: job.lease_epoch,
        };
        if was_last {
            let Some(registered) = kernel.registry().by_fingerprint(&job.definition_fingerprint) else {
                return Ok(None);
            };
            let (code, definition) = (ErrorCode::WorkerLost, registered.definition());
            let failure = FinalFailure {
                lease,
                expired,
                code,
                error,
                unless_woken: false,
                completed_key: None,
                definition,
            };
            let taken = fail_for_good(kernel, failure).await?.then_some(TakenBack::Failed);
            taken.inspect(|_| kernel.meters().leases_lost.increment());
            return Ok(taken);
        }
        let change = Change::RecordCrash { stage_key: lease.stage_key.clone(), error };
        let run_id = lease.run_id;
        let precondition =
            if expired { Precondition::ExpiredLease(lease) } else { Precondition::Lease(lease) };
        let decision = Decision {
            run_id,
            command: "lease.reapStale",
            precondition,
            idempotency: None,
            changes: vec![change],
        };
        let commit = kernel.store().commit(decision).await?;
        let taken = matches!(commit, Commit::Applied(_)).then_some(TakenBack::Released);
        Ok(taken.inspect(|_| kernel.meters().leases_lost.increment()))
    }
}
