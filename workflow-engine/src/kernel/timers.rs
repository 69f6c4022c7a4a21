//! The instants that runs have to keep: starts and deadlines.

use chrono::{DateTime, Utc};

use super::Kernel;
use super::commands::{FailOverdueRuns, FailOverdueRunsOutput, start_pending};
use crate::error::Error;
use crate::records::Claimant;

/// The number of runs of each kind in one pass. The next pass finds the rest.
const BATCH: usize = 100;

impl Kernel {
    /// Starts the runs that were to start later and are due, so that their first stages are in the queue, and fails those
    /// whose deadline has passed. Returns the number of runs that it has found.
    pub(crate) async fn keep_times(&self) -> Result<usize, Error> {
        let started = self.start_due_runs(BATCH).await?;
        let FailOverdueRunsOutput { failed, cancelled } =
            self.execute(FailOverdueRuns { limit: BATCH }).await?;
        Ok(started + failed + cancelled)
    }

    /// Starts runs that were to start later and are due; returns their number.
    pub(crate) async fn start_due_runs(&self, limit: usize) -> Result<usize, Error> {
        let due = self.store().due_runs(&self.definitions(), limit).await?;
        if due.is_empty() {
            return Ok(0);
        }
        // It takes no jobs: the workers take them from the queue, the most urgent first.
        let claimant = Claimant { worker_id: String::new(), lease: self.lease(), number: None };
        Ok(start_pending(self, due, &claimant, 0).await?.len())
    }

    /// Returns the earliest instant at which [`Kernel::keep_times`] has something to do.
    pub(crate) async fn next_time(&self) -> Result<Option<DateTime<Utc>>, Error> {
        self.store().next_timer(&self.definitions()).await
    }
}
