//! The heartbeat: one renewal for all leases of a host, on the host's own thread.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::thread::HostThread;
use crate::error::Error;
use crate::kernel::Kernel;

/// Renewals within the length of a lease: two may fail before a lease expires.
const RENEWALS_PER_LEASE: u32 = 3;
/// The shortest time between two checks of the leases after commits of other processes.
const EXTERNAL_INTERVAL: Duration = Duration::from_millis(20);

/// The renewal of a host's leases. Dropping it ends the renewal and, after its last task, the thread.
pub(super) struct Heartbeat {
    stop: CancellationToken,
    thread: HostThread,
}

impl Heartbeat {
    pub(super) fn start(kernel: Arc<Kernel>) -> Result<Self, Error> {
        let thread = HostThread::start(&kernel).map_err(Error::worker_not_started)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        // Read before the thread starts, so that the first renewal does not depend on when the thread is scheduled.
        let started = kernel.clock().now();
        thread.spawn(async move { beat(&kernel, started, &stopped).await });
        Ok(Self { stop, thread })
    }

    /// Returns the thread.
    pub(super) const fn thread(&self) -> &HostThread {
        &self.thread
    }

    /// Returns the token that ends the renewal. Cancel it when no body runs any more.
    pub(super) const fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn beat(kernel: &Kernel, started: DateTime<Utc>, stop: &CancellationToken) {
    let mut external = kernel.store().hints().watch_external();
    let every = kernel.lease() / RENEWALS_PER_LEASE;
    let mut next = started + every;
    loop {
        let is_due = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = kernel.clock().sleep_until(next) => true,
            // Another process may have cancelled a run whose body runs here.
            _ = external.changed() => {
                kernel.clock().sleep(EXTERNAL_INTERVAL).await;
                kernel.clock().now() >= next
            }
        };
        external.mark_unchanged();
        // Counted from the start, not from the end of the last renewal, so that delays do not add up. Renewals that were
        // missed altogether, for example while the machine was suspended, are not made up for.
        let now = kernel.clock().now();
        while next <= now {
            next += every;
        }
        let leases = kernel.running().leases();
        if leases.is_empty() {
            continue;
        }
        let store = kernel.store();
        let lost = if is_due {
            store.renew_leases(leases, kernel.lease()).await
        } else {
            store.lost_leases(leases).await
        };
        match lost {
            Ok(lost) => {
                for lease in lost.iter().filter(|lease| kernel.running().stop_lease(lease)) {
                    tracing::warn!(run = %lease.run_id, stage = lease.stage_id, "a lease was lost, so its body is stopped");
                }
            }
            Err(error) => tracing::error!(%error, "the leases could not be renewed or checked"),
        }
    }
}
