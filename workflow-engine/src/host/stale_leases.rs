//! The reaper: returns jobs whose leases have expired, or whose process has ended, to the queue.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio::sync::watch;
use uuid::Uuid;

use super::liveness::DeathWatch;
use super::service::{Next, Service};
use crate::error::Error;
use crate::kernel::{Kernel, ReapStaleLeases};

/// The shortest time between two passes.
const MIN_INTERVAL: Duration = Duration::from_millis(50);
/// The shortest time between two checks for new workers after commits of other processes. A worker that ends before it
/// is found is noticed by the check that would have found it.
const NEW_WORKER_INTERVAL: Duration = Duration::from_millis(100);
/// The longest delay after the end of a process, longer than taking back a few hundred jobs takes.
const MAX_ELECTION: Duration = Duration::from_millis(60);
/// The time after which a claim that a process sent before its end has reached the database.
const LATE_CLAIM: Duration = Duration::from_secs(1);

/// Reaps at the instants at which leases expire, and when a worker process of this machine ends. While no lease is held,
/// it only waits for a change.
pub(super) struct StaleLeases {
    deaths: DeathWatch,
    /// The commits of other processes: one of them may be the first claim of a new worker.
    external: watch::Receiver<u64>,
    /// The earliest instant of the next check for new workers.
    next_check: DateTime<Utc>,
    /// What ended the latest wait, if it was not [`Self::next`].
    woken: Option<Woken>,
    /// Whether a process has ended, and the pass for its late claims is still to come.
    after_death: bool,
    /// When the next pass is due for other reasons.
    next: Next,
}

/// What ended a wait before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    Death,
    OtherProcess,
}

/// Waits for a random moment. All workers of this machine notice an end at once; the first of them takes everything back,
/// and the others find it done.
#[allow(
    clippy::disallowed_methods,
    reason = "processes end in real time, independently of the engine's clock"
)]
async fn elect() {
    let random = Uuid::now_v7().as_bytes()[15];
    tokio::time::sleep(MAX_ELECTION * u32::from(random) / u32::from(u8::MAX)).await;
}

impl StaleLeases {
    /// `runtime` must have enabled I/O.
    pub(super) fn new(kernel: &Kernel, runtime: &Handle) -> Self {
        Self {
            deaths: DeathWatch::new(runtime.clone()),
            external: kernel.store().hints().watch_external(),
            next_check: kernel.clock().now(),
            woken: None,
            after_death: false,
            next: Next::Now,
        }
    }
}

impl Service for StaleLeases {
    fn name(&self) -> String {
        "reap stale leases".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        let started = kernel.clock().now();
        self.external.mark_unchanged();
        self.next_check = started + NEW_WORKER_INTERVAL;
        let woken = self.woken.take();
        let holders = kernel.store().lease_holders().await?;
        let is_idle = holders.is_empty();
        let dead_workers = self.deaths.observe(holders);
        let has_death = woken == Some(Woken::Death) || !dead_workers.is_empty();
        let is_due = !matches!(self.next, Next::At(next) if started < next);
        if has_death || self.after_death && is_due {
            // The process may have ended between a commit and its notification: jobs that it made ready, also some that it
            // took back from another dead process, would wait for the next change.
            kernel.store().hints().everything_changed();
            self.after_death = has_death;
        }
        // A lease begins with a change and expires no sooner than its length afterwards.
        let after_change = Next::AfterChange(kernel.lease());
        if is_idle && !has_death && !self.after_death {
            self.next = after_change;
            return Ok(self.next);
        }
        // A commit of another process is a reason to look for new workers, and no other one.
        if woken == Some(Woken::OtherProcess) && !has_death && !is_due {
            return Ok(self.next);
        }
        kernel.dispatch(ReapStaleLeases { dead_workers, ..ReapStaleLeases::default() }).await?;
        // Not at once, even if a lease expired during this pass: the next pass reaps it. Not later than one lease from
        // now: a lease that begins meanwhile may expire before this one. And soon after the end of a process, because a
        // claim that it had sent may reach the database after it.
        let length = if has_death { LATE_CLAIM.min(kernel.lease()) } else { kernel.lease() };
        let latest = started + length.max(MIN_INTERVAL);
        let end = kernel.store().next_lease_end().await?;
        self.next = match end {
            None if !has_death => after_change,
            end => Next::At(end.unwrap_or(latest).clamp(started + MIN_INTERVAL, latest)),
        };
        Ok(self.next)
    }

    async fn woken(&mut self, kernel: &Kernel) {
        let next_check = self.next_check;
        let external = &mut self.external;
        let other_process = async {
            // Cannot fail: the store holds the sender.
            let _ = external.changed().await;
            external.mark_changed();
            kernel.clock().sleep_until(next_check).await;
        };
        let death = async {
            self.deaths.ended().await;
            elect().await;
        };
        self.woken = Some(tokio::select! {
            () = death => Woken::Death,
            () = other_process => Woken::OtherProcess,
        });
    }

    fn retry(&mut self, kernel: &Kernel, pause: Duration) -> Next {
        Next::At(kernel.clock().now() + pause.min(kernel.lease().max(MIN_INTERVAL)))
    }
}
