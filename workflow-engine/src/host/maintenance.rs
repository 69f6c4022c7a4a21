//! What a worker does beside its jobs. Each loop is a task of its own, so that none holds up another, and none
//! overlaps with itself.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::liveness::is_gone;
use crate::error::Error;
use crate::kernel::{Kernel, LeaseReapStale, OutboxFlush};

/// How long a loop waits after an error.
const PAUSE: Duration = Duration::from_secs(1);
/// Events of one flush.
const FLUSH_BATCH: usize = 100;
/// A flush that found a refused event, or another flusher, is followed by another after this time.
const FLUSH_AGAIN: Duration = Duration::from_secs(5);

/// Takes jobs back whose leases run out, at the instants at which they do.
pub(super) async fn reap(kernel: Arc<Kernel>, stopping: CancellationToken) {
    loop {
        let wait = match reap_once(&kernel).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "expired leases were not taken back");
                PAUSE
            }
        };
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            () = kernel.clock().sleep(wait) => {}
        }
    }
}

/// Answers how long nothing can run out.
async fn reap_once(kernel: &Kernel) -> Result<Duration, Error> {
    let holders = kernel.store().lease_holders().await?;
    let gone_workers = holders.into_iter().filter(|worker| is_gone(worker)).collect();
    kernel.dispatch(LeaseReapStale { gone_workers, ..LeaseReapStale::default() }).await?;
    // A lease that begins after this look ends no sooner than a whole lease from now, if every worker uses the same
    // length; with different ones, the shorter is seen late by at most this worker's own length.
    let longest = kernel.lease();
    let next = kernel.store().next_lease_end().await?;
    let wait = next.map_or(longest, |end| (end - kernel.clock().now()).to_std().unwrap_or_default());
    // Not at once, even if a lease has just run out under the reaper's hands: that one is for the next round.
    Ok(wait.clamp(Duration::from_millis(50), longest))
}

/// Delivers events to the sink whenever there are new ones.
pub(super) async fn flush(kernel: Arc<Kernel>, worker_id: String, stopping: CancellationToken) {
    let mut changes = kernel.store().hints().watch_changes();
    loop {
        changes.mark_unchanged();
        let command = OutboxFlush { worker_id: worker_id.clone(), max_events: FLUSH_BATCH };
        let flushed = kernel.dispatch(command).await.unwrap_or_else(|error| {
            tracing::error!(%error, "events were not delivered");
            crate::kernel::OutboxFlushed::default()
        });
        if flushed.published + flushed.refused >= FLUSH_BATCH {
            continue;
        }
        tokio::select! {
            biased;
            () = stopping.cancelled() => {
                // What the last jobs said still goes out.
                let command = OutboxFlush { worker_id, max_events: usize::MAX };
                if let Err(error) = kernel.dispatch(command).await {
                    tracing::error!(%error, "events were not delivered");
                }
                return;
            }
            _ = changes.changed() => {}
            () = kernel.clock().sleep(FLUSH_AGAIN) => {}
        }
    }
}
