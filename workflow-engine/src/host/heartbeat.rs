//! The heartbeat: one renewal for all leases of a host, on its own thread.
//!
//! Bodies share the caller's runtime, and a body that computes without an `.await` starves it. A separate thread renews
//! the leases meanwhile.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::kernel::{Kernel, is_lost_to_another};
use crate::records::Lease;

/// Renewals within the length of a lease: two may fail before a lease expires.
const RENEWALS_PER_LEASE: u32 = 3;
/// The shortest time between two checks of the leases after commits of other processes.
const EXTERNAL_INTERVAL: Duration = Duration::from_millis(20);

/// The thread that renews a host's leases.
pub(super) struct Heartbeat {
    stop: CancellationToken,
    runtime: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Heartbeat {
    pub(super) fn start(kernel: Arc<Kernel>) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::worker_not_started)?;
        let handle = runtime.handle().clone();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        // Read before the thread starts, so that the first renewal does not depend on when the thread is scheduled.
        let started = kernel.clock().now();
        let beating = Arc::clone(&kernel);
        let thread = thread::Builder::new()
            .name("workflow-engine-heartbeat".into())
            .spawn(move || {
                runtime.block_on(beat(&beating, started, &stopped));
                beating.running().host_stopped();
            })
            .map_err(Error::worker_not_started)?;
        kernel.running().host_started();
        Ok(Self { stop, runtime: handle, thread: Some(thread) })
    }

    /// Returns the runtime of the thread, which has I/O enabled. It ends with the heartbeat.
    pub(super) const fn runtime(&self) -> &Handle {
        &self.runtime
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

async fn beat(kernel: &Arc<Kernel>, started: DateTime<Utc>, stop: &CancellationToken) {
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
        let lost =
            if is_due { renew(kernel, leases).await } else { kernel.store().lost_leases(leases).await };
        kernel.store().hints().outages().record("renew leases", &lost);
        let mut lost = lost.unwrap_or_default();
        lost.retain(|lease| kernel.running().stop_lease(lease));
        if !lost.is_empty() {
            // The reason is read aside: the next renewal does not wait for it.
            let kernel = Arc::clone(kernel);
            tokio::spawn(async move { report(&kernel, &lost).await });
        }
    }
}

/// Warns of leases that other workers have taken. The end of a run also stops its bodies, but that is no loss.
async fn report(kernel: &Kernel, stopped: &[Lease]) {
    for lease in stopped {
        if is_lost_to_another(kernel, lease).await {
            tracing::warn!(run = %lease.run_id, stage = lease.stage_id, "a lease was lost, so its body is stopped");
        }
    }
}

/// Renews the leases, and returns the lost ones.
async fn renew(kernel: &Kernel, leases: Vec<Lease>) -> Result<Vec<Lease>, Error> {
    let sent = kernel.clock().monotonic();
    let lost = kernel.store().renew_leases(leases.clone(), kernel.lease()).await?;
    let is_lost: HashSet<&Lease> = lost.iter().collect();
    let held = leases.iter().filter(|lease| !is_lost.contains(lease));
    kernel.running().renew(held, sent, kernel.lease());
    Ok(lost)
}
