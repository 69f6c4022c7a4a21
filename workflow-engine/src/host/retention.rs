//! Deletes terminal runs at the instants at which their retention time has passed.

use std::time::Duration;

use chrono::TimeDelta;

use super::service::{Next, Service};
use crate::error::Error;
use crate::kernel::{Kernel, PurgeRuns};

/// Runs deleted by one pass at most.
const BATCH: usize = 100;
/// The shortest time between two passes, unless the first deleted a full batch. It limits how often a run is checked
/// whose deletion an undelivered event prevents.
const MIN_INTERVAL: Duration = Duration::from_secs(60);

/// Deletes runs that ended at least `older_than` ago.
pub(super) struct Retention {
    pub(super) older_than: Duration,
}

impl Service for Retention {
    fn name(&self) -> String {
        "delete old runs".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        let command = PurgeRuns { older_than: self.older_than, limit: BATCH, include_undelivered: false };
        if kernel.dispatch(command).await?.runs.len() == BATCH {
            return Ok(Next::Now);
        }
        // A run that ends from now on stays for `older_than`.
        let after_change = Next::AfterChange(self.older_than.max(MIN_INTERVAL));
        let Some(end) = kernel.store().oldest_end().await? else { return Ok(after_change) };
        let due = TimeDelta::from_std(self.older_than).ok().and_then(|age| end.checked_add_signed(age));
        // A retention time beyond the calendar never passes.
        let Some(due) = due else { return Ok(after_change) };
        Ok(Next::At(due.max(kernel.clock().now() + MIN_INTERVAL)))
    }

    fn retry(&mut self, kernel: &Kernel, _: Duration) -> Next {
        Next::At(kernel.clock().now() + MIN_INTERVAL)
    }
}
