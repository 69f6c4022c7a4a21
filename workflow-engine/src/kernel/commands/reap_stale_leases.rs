//! `lease.reapStale`: takes jobs back from dead workers.

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::lost_lease::{TakenBack, take_back};

/// Returns jobs whose lease has expired to the queue. The lost attempt counts. After the last attempt the stage fails
/// with `WORKER_LOST`, so a stage that kills its process stops at its limit.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReapStaleLeases {
    /// Only leases that expired at least this long ago. Usually zero.
    #[serde(rename = "stale_threshold_ms", with = "crate::value::milliseconds")]
    pub stale_threshold: Duration,
    /// Workers that are certainly dead: their leases are void at once.
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

/// The number of jobs in one pass. The next pass finds the rest.
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
            let is_dead = job.worker_id.as_ref().is_some_and(|worker| self.dead_workers.contains(worker));
            if is_dead || overdue >= threshold {
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
