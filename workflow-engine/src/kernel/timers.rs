//! The instants to keep: starts and deadlines of runs, and ticks of schedules.

use chrono::{DateTime, Utc};

use super::Kernel;
#[cfg(feature = "schedules")]
use super::commands::TickSchedules;
use super::commands::{FailOverdueRuns, FailOverdueRunsOutput, start_pending};
use crate::error::Error;
use crate::ports::ScheduleWaits;
use crate::records::Claimant;

/// The number of runs of each kind in one pass. The next pass finds the rest.
const BATCH: usize = 100;

impl Kernel {
    /// Handles the ticks of schedules that are due, starts the runs that were to start later and are due, so that their
    /// first stages are in the queue, and fails those whose deadline has passed. Returns the number of runs and schedules
    /// that it has changed. An error of one kind does not hold up the others.
    pub(crate) async fn keep_times(&self) -> Result<usize, Error> {
        let ticked = self.tick_schedules(BATCH).await;
        let started = self.start_due_runs(BATCH).await;
        let FailOverdueRunsOutput { failed, cancelled } =
            self.execute(FailOverdueRuns { limit: BATCH }).await?;
        Ok(ticked? + started? + failed + cancelled)
    }

    /// Handles the ticks of schedules that are due; returns the number of schedules that have changed.
    #[cfg(feature = "schedules")]
    async fn tick_schedules(&self, limit: usize) -> Result<usize, Error> {
        Ok(self.execute(TickSchedules { limit }).await?.changed())
    }

    /// Without the feature, other processes handle them.
    #[cfg(not(feature = "schedules"))]
    async fn tick_schedules(&self, _: usize) -> Result<usize, Error> {
        Ok(0)
    }

    /// Returns what the schedules wait for whose workflow this process has registered.
    pub(crate) async fn schedule_waits(&self) -> Result<ScheduleWaits, Error> {
        let workflows = self.registry().workflow_ids();
        if !cfg!(feature = "schedules") || workflows.is_empty() {
            return Ok(ScheduleWaits::default());
        }
        self.store().schedule_waits(&workflows).await
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
        self.next_time_of(&self.schedule_waits().await?).await
    }

    /// As [`Kernel::next_time`], where this is what the schedules wait for.
    pub(crate) async fn next_time_of(&self, waits: &ScheduleWaits) -> Result<Option<DateTime<Utc>>, Error> {
        // A run that has ended makes its schedule due.
        if !waits.runs.is_empty() {
            let due = self.store().due_schedules(&self.registry().workflow_ids(), 1).await?;
            if !due.schedules.is_empty() {
                return Ok(Some(self.clock().now()));
            }
        }
        let timer = self.store().next_timer(&self.definitions()).await?;
        Ok(timer.into_iter().chain(waits.next_due).min())
    }
}
