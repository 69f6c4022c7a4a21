//! Repairs or fails runs that make no progress: stuck runs, and runs that no worker claims.
//!
//! A pass finds only runs that have been idle for a given time. So one follows each change after that time, and none is
//! needed while nothing changes.

use std::time::Duration;

use super::service::{Next, Service};
use crate::error::Error;
use crate::kernel::{FailUnclaimedRuns, Kernel, ReapStuckRuns};

/// Repairs or fails runs in which nothing has happened for `threshold`.
pub(super) struct StuckRuns {
    pub(super) threshold: Duration,
}

impl Service for StuckRuns {
    const REVISITS_RECENT_CHANGES: bool = true;

    fn name(&self) -> String {
        "repair stuck runs".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        kernel.dispatch(ReapStuckRuns { threshold: self.threshold }).await?;
        Ok(Next::AfterChange(self.threshold))
    }

    fn retry(&mut self, _: &Kernel, _: Duration) -> Next {
        Next::AfterChange(self.threshold)
    }
}

/// Fails runs that have had due work for `limit` without being claimed.
pub(super) struct UnclaimedRuns {
    pub(super) limit: Duration,
}

impl Service for UnclaimedRuns {
    const REVISITS_RECENT_CHANGES: bool = true;

    fn name(&self) -> String {
        "fail unclaimed runs".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        kernel.dispatch(FailUnclaimedRuns { limit: self.limit }).await?;
        Ok(Next::AfterChange(self.limit))
    }

    fn retry(&mut self, _: &Kernel, _: Duration) -> Next {
        Next::AfterChange(self.limit)
    }
}
