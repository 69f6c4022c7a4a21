//! The heartbeat: one renewal for all leases, on a thread of its own.
//!
//! Bodies share the caller's runtime, and a body that computes without an `.await` starves it. The leases must live on
//! meanwhile, so they are renewed from elsewhere.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::kernel::Kernel;

/// A lease is renewed this many times before it would run out, so that two lost renewals harm nobody.
const RENEWALS_PER_LEASE: u32 = 3;
/// After a foreign commit it is looked once which leases are held, and not again within this time.
const FOREIGN_PAUSE: Duration = Duration::from_millis(20);

/// The thread that keeps this worker's leases alive.
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
        // Before the thread, so that the first beat does not depend on when it gets to run.
        let started = kernel.clock().now();
        let thread = thread::Builder::new()
            .name("workflow-engine-heartbeat".into())
            .spawn(move || runtime.block_on(beat(&kernel, started, &stopped)))
            .map_err(Error::worker_not_started)?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Ends the thread; nothing runs under a lease any more.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.stop.cancel();
        // Not joined: the thread ends at its next await, and dropping must not block an async caller.
        drop(self.thread.take());
    }
}

async fn beat(kernel: &Kernel, started: DateTime<Utc>, stop: &CancellationToken) {
    let mut foreign = kernel.store().hints().watch_external();
    let every = kernel.lease() / RENEWALS_PER_LEASE;
    let mut next = started + every;
    loop {
        let is_due = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = kernel.clock().sleep_until(next) => true,
            // Another process may have cancelled a run whose body runs here.
            _ = foreign.changed() => {
                kernel.clock().sleep(FOREIGN_PAUSE).await;
                kernel.clock().now() >= next
            }
        };
        foreign.mark_unchanged();
        // By the plan, not by the end of the last beat, so that slow beats do not add up; those that were missed
        // altogether, in a suspended machine for example, are not made up for.
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
                    tracing::warn!(run = %lease.run_id, stage = lease.stage_id, "a lease is lost; its body is stopped");
                }
            }
            Err(error) => tracing::error!(%error, "leases were not looked at"),
        }
    }
}
