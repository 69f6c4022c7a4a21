//! The heartbeat: one renewal for all leases of a host, on its own thread.
//!
//! Bodies share the caller's runtime, and a body that computes without an `.await` starves it. A separate thread renews
//! the leases meanwhile.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::kernel::Kernel;

/// Renewals within the length of a lease: two may fail before a lease expires.
const RENEWALS_PER_LEASE: u32 = 3;
/// The shortest time between two checks of the leases after commits of other processes.
const EXTERNAL_INTERVAL: Duration = Duration::from_millis(20);

/// The thread that renews a host's leases.
pub(super) struct Heartbeat {
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    pub(super) fn start(kernel: Arc<Kernel>) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::worker_not_started)?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        // Read before the thread starts, so that the first renewal does not depend on when the thread is scheduled.
        let started = kernel.clock().now();
        let thread = thread::Builder::new()
            .name("workflow-engine-heartbeat".into())
            .spawn(move || runtime.block_on(beat(&kernel, started, &stopped)))
            .map_err(Error::worker_not_started)?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Ends the thread. Call it when no body runs any more.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop.cancel();
        // Not joined: the thread ends at its next `.await`, and a drop must not block an async caller.
        drop(self.thread.take());
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
        store.hints().outages().record("renew leases", &lost);
        for lease in lost.iter().flatten().filter(|lease| kernel.running().stop_lease(lease)) {
            tracing::warn!(run = %lease.run_id, stage = lease.stage_id, "a lease was lost, so its body is stopped");
        }
    }
}
