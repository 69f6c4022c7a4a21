//! The jobs whose bodies run in this process: the leases to renew, and the tokens that stop the bodies.
//!
//! A body may run only while its process can know that it has the lease. Each lease therefore ends here as well: its
//! length after the request that began or last renewed it was *sent*, so never later than in the store. A renewal that
//! the store acknowledges moves the end. Otherwise the body stops at it, whether the store cannot be reached or the
//! heartbeat does not run.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ports::Clock;
use crate::records::Lease;
use crate::value::RunId;

/// The leases under which bodies run in this process.
#[derive(Debug, Default)]
pub(crate) struct RunningJobs {
    jobs: Mutex<HashMap<Lease, Arc<Job>>>,
    /// The number of hosts that renew the leases.
    hosts: AtomicUsize,
}

#[derive(Debug)]
struct Job {
    /// Stops the body.
    token: CancellationToken,
    /// Whether the body runs: its inputs are there, and its outcome is not being committed yet. That commit ends the
    /// lease, so a lease that is gone without a body is not lost.
    has_body: AtomicBool,
    /// The end of the lease, in microseconds of [`Clock::monotonic`].
    end: AtomicU64,
}

impl RunningJobs {
    /// Lists a body that starts, until the guard is dropped. Its claim was sent at `claimed`, in time of
    /// [`Clock::monotonic`]. Without a host that renews leases, the lease has no end here.
    pub(crate) fn enter(
        &self,
        lease: Lease,
        token: CancellationToken,
        claimed: Duration,
        length: Duration,
    ) -> RunningJob<'_> {
        let has_host = self.hosts.load(Ordering::Relaxed) > 0;
        let end = if has_host { end(claimed, length) } else { u64::MAX };
        let job = Arc::new(Job { token, has_body: AtomicBool::new(false), end: AtomicU64::new(end) });
        self.lock().insert(lease.clone(), Arc::clone(&job));
        RunningJob { jobs: self, lease, job }
    }

    /// Notes that a host begins to renew the leases.
    pub(crate) fn host_started(&self) {
        self.hosts.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a host no longer renews the leases.
    pub(crate) fn host_stopped(&self) {
        self.hosts.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns all leases.
    pub(crate) fn leases(&self) -> Vec<Lease> {
        self.lock().keys().cloned().collect()
    }

    /// Moves the ends of leases that the store has renewed. The renewal was sent at `sent`.
    pub(crate) fn renew<'a>(
        &self,
        leases: impl IntoIterator<Item = &'a Lease>,
        sent: Duration,
        length: Duration,
    ) {
        let (jobs, end) = (self.lock(), end(sent, length));
        for job in leases.into_iter().filter_map(|lease| jobs.get(lease)) {
            // Without a host at its start, the lease has no end.
            job.end.fetch_max(end, Ordering::Relaxed);
        }
    }

    /// Stops the body of this lease. Returns `false` where none runs: it may have ended, and its outcome may be what ended
    /// the lease.
    pub(crate) fn stop_lease(&self, lost: &Lease) -> bool {
        let jobs = self.lock();
        let Some(job) = jobs.get(lost) else { return false };
        job.token.cancel();
        job.has_body.load(Ordering::Acquire)
    }

    /// Stops the bodies of a run that has ended: none of them can commit any more.
    pub(crate) fn stop_run(&self, run_id: RunId) {
        for (lease, job) in self.lock().iter() {
            if lease.run_id == run_id {
                job.token.cancel();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Lease, Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the end of a lease of this length, in microseconds. One that never ends is `u64::MAX`.
fn end(sent: Duration, length: Duration) -> u64 {
    u64::try_from(sent.saturating_add(length).as_micros()).unwrap_or(u64::MAX)
}

/// A body that runs in this process.
pub(crate) struct RunningJob<'a> {
    jobs: &'a RunningJobs,
    lease: Lease,
    job: Arc<Job>,
}

impl RunningJob<'_> {
    /// Notes that the body has started.
    pub(crate) fn body_started(&self) {
        self.job.has_body.store(true, Ordering::Release);
    }

    /// Notes that the body has ended. The lease is renewed until the guard is dropped.
    pub(crate) fn body_ended(&self) {
        self.job.has_body.store(false, Ordering::Release);
    }

    /// Returns whether the lease may have ended.
    pub(crate) fn has_ended(&self, clock: &dyn Clock) -> bool {
        self.remaining(clock).is_some_and(|remaining| remaining.is_zero())
    }

    /// Returns how long the lease certainly lasts; `None` where it has no end here.
    fn remaining(&self, clock: &dyn Clock) -> Option<Duration> {
        let end = self.job.end.load(Ordering::Relaxed);
        (end != u64::MAX).then(|| Duration::from_micros(end).saturating_sub(clock.monotonic()))
    }

    /// Waits until the lease has ended without a renewal.
    pub(crate) async fn lease_ended(&self, clock: &dyn Clock) {
        while let Some(remaining) = self.remaining(clock) {
            if remaining.is_zero() {
                return;
            }
            clock.sleep(remaining).await;
        }
        std::future::pending().await
    }
}

impl Drop for RunningJob<'_> {
    fn drop(&mut self) {
        self.jobs.lock().remove(&self.lease);
    }
}
