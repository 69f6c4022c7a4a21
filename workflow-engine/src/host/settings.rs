//! The settings of a worker.

use std::time::Duration;

use super::liveness::worker_name;
use crate::error::Error;
use crate::value::setting::{CENTURY, DAY, check_range, check_worker_id};

/// The settings of a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// The name in leases, records and logs. The default is unique and lets other processes of this machine detect that
    /// this worker's process has ended.
    pub worker_id: String,
    /// Bodies that run at the same time. Default 128: most bodies wait for something other than the processor.
    pub concurrency: usize,
    /// How long a drain waits for running bodies before it stops them and returns their jobs to the queue. Default 30 s.
    pub drain_timeout: Duration,
    /// How long a run must have been idle before the worker checks whether it is stuck. Default 1 h.
    pub stuck_threshold: Duration,
    /// How long a run whose definition no worker has may wait before it fails. Default `None`, without limit.
    pub unclaimed_limit: Option<Duration>,
    /// How long terminal runs are kept before they are deleted. Default `None`, for ever.
    pub retention: Option<Duration>,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            worker_id: worker_name(),
            concurrency: 128,
            drain_timeout: Duration::from_secs(30),
            stuck_threshold: Duration::from_secs(3_600),
            unclaimed_limit: None,
            retention: None,
        }
    }
}

impl WorkerSettings {
    /// Checks that each setting is in its range.
    ///
    /// # Errors
    /// `INVALID_SETTING`.
    pub(crate) fn check(&self) -> Result<(), Error> {
        const SECOND: Duration = Duration::from_secs(1);

        check_worker_id(&self.worker_id)?;
        check_range("concurrency", &self.concurrency, &(1..=1_000_000))?;
        check_range("drain_timeout", &self.drain_timeout, &(Duration::ZERO..=DAY * 30))?;
        check_range("stuck_threshold", &self.stuck_threshold, &(SECOND..=CENTURY))?;
        if let Some(limit) = &self.unclaimed_limit {
            check_range("unclaimed_timeout", limit, &(SECOND..=CENTURY))?;
        }
        if let Some(older_than) = &self.retention {
            check_range("retention", older_than, &(SECOND..=CENTURY))?;
        }
        Ok(())
    }
}
