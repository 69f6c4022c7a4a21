//! `lease.reapStale`: takes jobs back from dead workers.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::lost_lease::{LossReason, LostJob, TakenBack};
use crate::records::JobRecord;

/// Returns jobs whose lease has expired to the queue. The lost attempt counts. After the last attempt the stage fails
/// with `WORKER_LOST`, so a stage that kills its process stops at its limit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReapStaleLeases {
    /// Only leases that expired at least this long ago. Usually zero.
    #[serde(rename = "stale_threshold_ms", with = "crate::value::milliseconds")]
    pub stale_threshold: Duration,
    /// Workers that are certainly dead: their leases are void at once, also those on deliveries of events.
    pub dead_workers: Vec<String>,
}

/// The jobs that were taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReapStaleLeasesOutput {
    /// The number of jobs that are in the queue again.
    pub released: usize,
    /// The number of stages that failed with `WORKER_LOST`.
    pub failed: usize,
}

/// The number of jobs that are read at once.
const BATCH: usize = 256;

#[async_trait]
impl Command for ReapStaleLeases {
    type Output = ReapStaleLeasesOutput;
    const NAME: &'static str = "lease.reapStale";

    async fn execute(self, kernel: &Kernel) -> Result<ReapStaleLeasesOutput, Error> {
        let mut reaped = ReapStaleLeasesOutput::default();
        if !self.dead_workers.is_empty() {
            kernel.store().release_deliveries(&self.dead_workers).await?;
        }
        let mut limit = BATCH;
        loop {
            let stale = kernel.store().stale_jobs(&self.dead_workers, limit).await?;
            let is_last = stale.len() < limit;
            let before = reaped;
            let lost: Vec<LostJob> = stale.into_iter().filter_map(|job| self.lost_job(kernel, job)).collect();
            let found = lost.len();
            let lost: Vec<LostJob> = lost.into_iter().filter(|job| job.is_decidable(kernel)).collect();
            let leaves_some = lost.len() < found;
            let lost = lost.into_iter();
            let (last, others): (Vec<_>, Vec<_>) = lost.partition(LostJob::was_last);
            // Ready together, so that they share transactions.
            let mut results = join_all(others.into_iter().map(|job| job.take_back(kernel))).await;
            for job in last {
                results.push(job.take_back(kernel).await);
            }
            for result in results {
                match result? {
                    Some(TakenBack::Released) => reaped.released += 1,
                    Some(TakenBack::Failed) => reaped.failed += 1,
                    None => {}
                }
            }
            // Without progress, another process takes the same jobs back.
            if is_last || reaped == before && !leaves_some {
                return Ok(reaped);
            }
            // Those that are left to other processes must not hide others.
            if leaves_some {
                limit = limit.saturating_mul(2);
            }
        }
    }
}

impl ReapStaleLeases {
    /// Returns the job if its lease is lost.
    fn lost_job(&self, kernel: &Kernel, job: JobRecord) -> Option<LostJob> {
        if job.worker_id.as_ref().is_some_and(|worker| self.dead_workers.contains(worker)) {
            return Some(LostJob { job, reason: LossReason::WorkerDied });
        }
        // The store has compared the end of the lease with its own clock.
        let is_overdue = self.stale_threshold.is_zero() || {
            let threshold = TimeDelta::from_std(self.stale_threshold).unwrap_or(TimeDelta::MAX);
            job.leased_until.is_none_or(|until| kernel.clock().now() - until >= threshold)
        };
        is_overdue.then_some(LostJob { job, reason: LossReason::LeaseExpired })
    }
}
