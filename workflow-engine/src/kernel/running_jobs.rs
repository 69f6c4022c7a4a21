//! The jobs whose bodies run in this process: the leases to renew, and the tokens that stop the bodies.
//!
//! A body may run only while its process can know that it has the lease. Each lease therefore ends here as well: its
//! length after the request that began or last renewed it was *sent*, so never later than in the store. A renewal that
//! the store acknowledges moves the end. Otherwise the body stops at it, whether the store cannot be reached or the
//! heartbeat does not run.

use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::ports::Clock;
use crate::records::Lease;
use crate::value::{IdMap, IdSet, RunId};

/// The number of ended runs that are remembered. A job that was claimed before the end of its run is listed after it when
/// the result of the claim arrives late: a moment later, so that a few runs would do.
const REMEMBERED_ENDS: usize = 1_024;

/// The leases under which bodies run in this process.
#[derive(Debug, Default)]
pub(crate) struct RunningJobs {
    state: Mutex<State>,
    /// The number of hosts that renew the leases.
    hosts: AtomicUsize,
}

#[derive(Debug, Default)]
struct State {
    /// By run: a run has few jobs at a time.
    jobs: IdMap<RunId, Vec<(Lease, Arc<RunningJob>)>>,
    /// The latest generations that commits of this process have ended, and the order of their ends.
    ended: IdSet<(RunId, u32)>,
    ends: VecDeque<(RunId, u32)>,
    /// Bodies that were stopped, each with a value that lives as long as the body.
    stopped: Vec<(Lease, Weak<dyn Any + Send + Sync>)>,
    /// Jobs that were returned to the queue although their attempts have not ended.
    returned: Vec<Lease>,
}

/// A job of this process, from its claim to its outcome.
#[derive(Debug)]
pub(crate) struct RunningJob {
    /// Stops the body.
    token: CancellationToken,
    /// Whether the body runs: its inputs are there, and its outcome is not being committed yet. That commit ends the
    /// lease, so a lease that is gone without a body is not lost.
    has_body: AtomicBool,
    /// The end of the lease, in microseconds of [`Clock::monotonic`].
    end: AtomicU64,
}

impl RunningJobs {
    /// Notes that a host begins to renew the leases.
    pub(crate) fn host_started(&self) {
        self.hosts.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that a host no longer renews the leases.
    pub(crate) fn host_stopped(&self) {
        self.hosts.fetch_sub(1, Ordering::Relaxed);
    }

    /// Lists a claimed job. Its claim was sent at `claimed`, in time of [`Clock::monotonic`]. Without a host that renews
    /// leases, the lease has no end here. Cancels the token if the run has ended since the claim.
    pub(crate) fn insert(
        &self,
        lease: Lease,
        token: CancellationToken,
        claimed: Duration,
        length: Duration,
    ) -> Arc<RunningJob> {
        let has_host = self.hosts.load(Ordering::Relaxed) > 0;
        let end = if has_host { end(claimed, length) } else { u64::MAX };
        let mut state = self.lock();
        if state.ended.contains(&(lease.run_id, lease.generation)) {
            token.cancel();
        }
        let job = Arc::new(RunningJob { token, has_body: AtomicBool::new(false), end: AtomicU64::new(end) });
        state.remove(&lease);
        state.jobs.entry(lease.run_id).or_default().push((lease, Arc::clone(&job)));
        job
    }

    /// Removes a job whose attempt has ended.
    pub(crate) fn remove(&self, lease: &Lease) {
        let mut state = self.lock();
        state.remove(lease);
        state.returned.retain(|returned| returned != lease);
    }

    /// Notes that a job was returned to the queue although its attempt does not react.
    pub(crate) fn note_returned(&self, lease: &Lease) {
        let mut state = self.lock();
        if state.remove(lease) {
            state.returned.push(lease.clone());
        }
    }

    /// Returns all leases.
    pub(crate) fn leases(&self) -> Vec<Lease> {
        self.lock().jobs.values().flatten().map(|(lease, _)| lease.clone()).collect()
    }

    /// Moves the ends of leases that the store has renewed. The renewal was sent at `sent`.
    pub(crate) fn renew<'a>(
        &self,
        leases: impl IntoIterator<Item = &'a Lease>,
        sent: Duration,
        length: Duration,
    ) {
        let (state, end) = (self.lock(), end(sent, length));
        for job in leases.into_iter().filter_map(|lease| state.get(lease)) {
            // Without a host at its start, the lease has no end.
            job.end.fetch_max(end, Ordering::Relaxed);
        }
    }

    /// Stops the body of this lease. Returns `false` where none runs: it may have ended, and its outcome may be what ended
    /// the lease.
    pub(crate) fn stop_lease(&self, lost: &Lease) -> bool {
        let state = self.lock();
        let Some(job) = state.get(lost) else { return false };
        job.token.cancel();
        job.has_body.load(Ordering::Acquire)
    }

    /// Stops the bodies of a generation of a run that has ended: none of them can commit any more.
    pub(crate) fn stop_run(&self, run_id: RunId, generation: u32) {
        let mut state = self.lock();
        for (lease, job) in state.jobs.get(&run_id).into_iter().flatten() {
            if lease.generation <= generation {
                job.token.cancel();
            }
        }
        if state.ended.insert((run_id, generation)) {
            state.ends.push_back((run_id, generation));
        }
        if state.ends.len() > REMEMBERED_ENDS
            && let Some(oldest) = state.ends.pop_front()
        {
            state.ended.remove(&oldest);
        }
    }

    /// Notes that a body was stopped; `life` lives as long as the body does.
    pub(crate) fn note_stopped(&self, lease: Lease, life: Weak<dyn Any + Send + Sync>) {
        let mut state = self.lock();
        state.stopped.retain(|(_, life)| life.strong_count() > 0);
        state.stopped.push((lease, life));
    }

    /// Returns the leases of bodies that were stopped and have not ended: they run code without an `.await`.
    pub(crate) fn blocked(&self) -> Vec<Lease> {
        let mut state = self.lock();
        state.stopped.retain(|(_, life)| life.strong_count() > 0);
        let stopped = state.stopped.iter().map(|(lease, _)| lease);
        stopped.chain(&state.returned).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn get(&self, lease: &Lease) -> Option<&RunningJob> {
        let jobs = self.jobs.get(&lease.run_id)?;
        jobs.iter().find(|(listed, _)| listed == lease).map(|(_, job)| &**job)
    }

    /// Removes a job. Returns whether it was listed.
    fn remove(&mut self, lease: &Lease) -> bool {
        let Some(jobs) = self.jobs.get_mut(&lease.run_id) else { return false };
        let Some(position) = jobs.iter().position(|(listed, _)| listed == lease) else { return false };
        jobs.swap_remove(position);
        if jobs.is_empty() {
            self.jobs.remove(&lease.run_id);
        }
        true
    }
}

/// Returns the end of a lease of this length, in microseconds. One that never ends is `u64::MAX`.
fn end(sent: Duration, length: Duration) -> u64 {
    u64::try_from(sent.saturating_add(length).as_micros()).unwrap_or(u64::MAX)
}

impl RunningJob {
    /// Notes that the body has started.
    pub(crate) fn body_started(&self) {
        self.has_body.store(true, Ordering::Release);
    }

    /// Notes that the body has ended. The lease is renewed until the job is removed.
    pub(crate) fn body_ended(&self) {
        self.has_body.store(false, Ordering::Release);
    }

    /// Returns whether the lease may have ended.
    pub(crate) fn has_ended(&self, clock: &dyn Clock) -> bool {
        self.remaining(clock).is_some_and(|remaining| remaining.is_zero())
    }

    /// Returns how long the lease certainly lasts; `None` where it has no end here.
    fn remaining(&self, clock: &dyn Clock) -> Option<Duration> {
        let end = self.end.load(Ordering::Relaxed);
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
        std::future::pending::<()>().await;
    }
}
