//! The jobs whose bodies run in this process: the leases to renew, and the tokens that stop the bodies.

use std::any::Any;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};

use tokio_util::sync::CancellationToken;

use crate::records::Lease;
use crate::value::RunId;

/// The number of ended runs that are remembered. A job that was claimed before the end of its run is listed after it when
/// the result of the claim arrives late: a moment later, so that a few runs would do.
const REMEMBERED_ENDS: usize = 1_024;

/// The leases under which bodies run in this process, each with the token that stops its body.
#[derive(Debug, Default)]
pub(crate) struct RunningJobs {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    jobs: HashMap<Lease, CancellationToken>,
    /// The latest generations that commits of this process have ended, and the order of their ends.
    ended: HashSet<(RunId, u32)>,
    ends: VecDeque<(RunId, u32)>,
    /// Bodies that were stopped, each with a value that lives as long as the body.
    stopped: Vec<(Lease, Weak<dyn Any + Send + Sync>)>,
    /// Jobs that were returned to the queue although their attempts have not ended.
    returned: Vec<Lease>,
}

impl RunningJobs {
    /// Lists a body that starts, until the guard is dropped.
    pub(crate) fn enter(&self, lease: Lease, token: CancellationToken) -> RunningJob<'_> {
        self.insert(lease.clone(), token);
        RunningJob { jobs: self, lease }
    }

    /// Lists a claimed job. Cancels the token if the run has ended since the claim.
    pub(crate) fn insert(&self, lease: Lease, token: CancellationToken) {
        let mut state = self.lock();
        if state.ended.contains(&(lease.run_id, lease.generation)) {
            token.cancel();
        }
        state.jobs.insert(lease, token);
    }

    /// Removes a job whose attempt has ended.
    pub(crate) fn remove(&self, lease: &Lease) {
        let mut state = self.lock();
        state.jobs.remove(lease);
        state.returned.retain(|returned| returned != lease);
    }

    /// Notes that a job was returned to the queue although its attempt does not react.
    pub(crate) fn note_returned(&self, lease: &Lease) {
        let mut state = self.lock();
        if state.jobs.remove(lease).is_some() {
            state.returned.push(lease.clone());
        }
    }

    /// Returns all leases.
    pub(crate) fn leases(&self) -> Vec<Lease> {
        self.lock().jobs.keys().cloned().collect()
    }

    /// Stops the body of this lease. Returns `false` where it has ended meanwhile.
    pub(crate) fn stop_lease(&self, lost: &Lease) -> bool {
        let state = self.lock();
        let token = state.jobs.get(lost);
        if let Some(token) = token {
            token.cancel();
        }
        token.is_some()
    }

    /// Stops the bodies of a generation of a run that has ended: none of them can commit any more.
    pub(crate) fn stop_run(&self, run_id: RunId, generation: u32) {
        let mut state = self.lock();
        for (lease, token) in &state.jobs {
            if lease.run_id == run_id && lease.generation <= generation {
                token.cancel();
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

/// A body that runs in this process.
pub(crate) struct RunningJob<'a> {
    jobs: &'a RunningJobs,
    lease: Lease,
}

impl Drop for RunningJob<'_> {
    fn drop(&mut self) {
        self.jobs.remove(&self.lease);
    }
}
