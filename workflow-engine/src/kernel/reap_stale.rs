//! `lease.reapStale`: takes jobs back from workers that are gone.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::fail::FinalFailure;
use crate::error::{Error, ErrorCode};
use crate::ports::{Change, Commit, Decision, Precondition};
use crate::records::{JobRecord, Lease};

/// Returns jobs whose lease has run out to the queue. The lost attempt counts: at the last one, the stage fails with
/// `WORKER_LOST`, so a stage that kills its process does not do so for ever.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReapStaleLeases {
    /// Only leases that ran out at least this long ago. Zero is usual.
    #[serde(rename = "stale_threshold_ms", with = "crate::value::milliseconds")]
    pub stale_threshold: Duration,
    /// Workers that are certainly gone: their leases are void at once.
    pub dead_workers: Vec<String>,
}

/// What was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReapStaleLeasesOutput {
    /// Jobs that are in the queue again.
    pub released: usize,
    /// Stages that failed with `WORKER_LOST`.
    pub failed: usize,
}

/// Jobs of one pass; what is left over is found by the next.
const BATCH: usize = 100;

#[async_trait]
impl Command for ReapStaleLeases {
    type Output = ReapStaleLeasesOutput;
    const NAME: &'static str = "lease.reapStale";

    async fn execute(self, kernel: &Kernel) -> Result<ReapStaleLeasesOutput, Error> {
        let mut reaped = ReapStaleLeasesOutput::default();
        let now = kernel.clock().now();
        let threshold = TimeDelta::from_std(self.stale_threshold).unwrap_or(TimeDelta::MAX);
        for job in kernel.store().stale_jobs(&self.dead_workers, BATCH).await? {
            let overdue = job.leased_until.map_or(TimeDelta::MAX, |until| now - until);
            let gone = job.worker_id.as_ref().is_some_and(|worker| self.dead_workers.contains(worker));
            if gone || overdue >= threshold {
                match take_back(kernel, job, overdue >= TimeDelta::zero()).await? {
                    Some(TakenBack::Released) => reaped.released += 1,
                    Some(TakenBack::Failed) => reaped.failed += 1,
                    None => {}
                }
            }
        }
        Ok(reaped)
    }
}

/// What became of a job that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakenBack {
    /// It is in the queue again.
    Released,
    /// It was its last attempt.
    Failed,
}

/// Takes a job back from its worker; `None` where that one is no longer its worker or, with `expired`, the store says
/// that the lease has not run out.
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
    if job.attempt >= job.max_attempts {
        let failure = FinalFailure { lease, expired, code: ErrorCode::WorkerLost, error, answer: None };
        return Ok(kernel.fail_for_good(failure).await?.then_some(TakenBack::Failed));
    }
    let change = Change::Retry { stage_id: lease.stage_id.clone(), error, delay: Duration::ZERO };
    let run_id = lease.run_id;
    let precondition = if expired { Precondition::ExpiredLease(lease) } else { Precondition::Lease(lease) };
    let decision = Decision { run_id, precondition: precondition, idempotency: None, changes: vec![change] };
    let commit = kernel.store().commit(decision).await?;
    Ok(matches!(commit, Commit::Applied(_)).then_some(TakenBack::Released))
}
