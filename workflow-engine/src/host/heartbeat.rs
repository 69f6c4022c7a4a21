//! The heartbeat: one renewal for all leases of a host, on the host's own thread.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::thread::HostThread;
use crate::error::Error;
use crate::kernel::{Kernel, is_lost_to_another};
use crate::records::Lease;

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
        // Read before the thread begins, so that no commit is missed, and the first renewal does not depend on when the
        // thread is scheduled.
        let started = kernel.clock().monotonic();
        let external = kernel.store().hints().watch_external();
        kernel.running().host_started();
        thread.spawn(async move {
            beat(&kernel, started, external, &stopped).await;
            kernel.running().host_stopped();
        });
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

async fn beat(
    kernel: &Arc<Kernel>,
    started: Duration,
    mut external: watch::Receiver<u64>,
    stop: &CancellationToken,
) {
    let every = kernel.lease() / RENEWALS_PER_LEASE;
    // In monotonic time: a heartbeat must not wait for an instant of a clock that was set back.
    let mut next = started + every;
    loop {
        let is_due = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = kernel.clock().sleep_until_monotonic(next) => true,
            // Another process may have cancelled a run whose body runs here.
            _ = external.changed() => {
                // No longer than until the next renewal: commits of others do not delay it.
                let pause_end = kernel.clock().monotonic() + EXTERNAL_INTERVAL;
                kernel.clock().sleep_until_monotonic(pause_end.min(next)).await;
                kernel.clock().monotonic() >= next
            }
        };
        external.mark_unchanged();
        // Counted from the start, not from the end of the last renewal, so that delays do not add up. Renewals that were
        // missed altogether, for example while the machine was suspended, are not made up for.
        let now = kernel.clock().monotonic();
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
            tracing::warn!(run = %lease.run_id, stage = %lease.stage_key, "a lease was lost, so its body is stopped");
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
