//! The reaper: returns jobs whose leases have expired to the queue.

use std::time::Duration;

use super::liveness::is_gone;
use super::service::{Next, Service};
use crate::error::Error;
use crate::kernel::{Kernel, ReapStaleLeases};

/// The shortest time between two passes.
const MIN_INTERVAL: Duration = Duration::from_millis(50);

/// Reaps at the instants at which leases expire. While no lease is held, it only waits for a change.
pub(super) struct StaleLeases;

impl Service for StaleLeases {
    fn name(&self) -> String {
        "reap stale leases".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        let started = kernel.clock().now();
        // A lease begins with a change and expires no sooner than its length afterwards.
        let after_change = Next::AfterChange(kernel.lease());
        let holders = kernel.store().lease_holders().await?;
        if holders.is_empty() {
            return Ok(after_change);
        }
        let dead_workers = holders.into_iter().filter(|worker| is_gone(worker)).collect();
        kernel.dispatch(ReapStaleLeases { dead_workers, ..ReapStaleLeases::default() }).await?;
        let Some(end) = kernel.store().next_lease_end().await? else { return Ok(after_change) };
        // Not at once, even if a lease expired during this pass: the next pass reaps it. Not later than one lease from
        // now: a lease that begins meanwhile may expire before this one.
        let latest = started + kernel.lease().max(MIN_INTERVAL);
        Ok(Next::At(end.clamp(started + MIN_INTERVAL, latest)))
    }

    fn retry(&self, kernel: &Kernel, pause: Duration) -> Next {
        Next::At(kernel.clock().now() + pause.min(kernel.lease().max(MIN_INTERVAL)))
    }
}
