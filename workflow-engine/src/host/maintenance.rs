//! What a worker does beside its jobs. Each loop is a task of its own, so that none holds up another, and none
//! overlaps with itself.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::liveness::is_gone;
use crate::error::Error;
use crate::kernel::{Kernel, ReapStaleLeases};

/// The least time between two looks at the leases.
const MIN_INTERVAL: Duration = Duration::from_millis(50);
/// How long a loop waits after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes jobs back whose leases run out, at the instants at which they do. While nothing is leased, it looks at nothing.
pub(super) async fn reap(kernel: Arc<Kernel>, stopping: CancellationToken) {
    let mut changes = kernel.store().hints().watch_changes();
    loop {
        changes.mark_unchanged();
        let looked_at = kernel.clock().now();
        let next = match reap_once(&kernel).await {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "expired leases were not taken back");
                Some(looked_at + PAUSE)
            }
        };
        let wait = async {
            if let Some(end) = next {
                // Not at once, even if a lease has just run out under the reaper's hands: that one is for the next
                // round. Not later than a lease from now: one that begins meanwhile may be shorter than this one.
                let end = end.clamp(looked_at + MIN_INTERVAL, looked_at + kernel.lease().max(MIN_INTERVAL));
                kernel.clock().sleep_until(end).await;
            } else {
                // A lease begins with a change, and ends no sooner than its length after it. This cannot fail: the
                // store holds the sender.
                let _ = changes.changed().await;
                kernel.clock().sleep(kernel.lease()).await;
            }
        };
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            () = wait => {}
        }
    }
}

/// Answers when the next lease runs out.
async fn reap_once(kernel: &Kernel) -> Result<Option<DateTime<Utc>>, Error> {
    let holders = kernel.store().lease_holders().await?;
    if holders.is_empty() {
        return Ok(None);
    }
    let dead_workers = holders.into_iter().filter(|worker| is_gone(worker)).collect();
    kernel.dispatch(ReapStaleLeases { dead_workers, ..ReapStaleLeases::default() }).await?;
    kernel.store().next_lease_end().await
}
