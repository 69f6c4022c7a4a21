//! The jobs whose bodies run in this process: the leases to renew, and the tokens that stop the bodies.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::records::Lease;
use crate::value::RunId;

/// The leases under which bodies run in this process, each with the token that stops its body.
#[derive(Debug, Default)]
pub(crate) struct RunningJobs {
    jobs: Mutex<HashMap<Lease, CancellationToken>>,
}

impl RunningJobs {
    /// Lists a body that starts, until the guard is dropped.
    pub(crate) fn enter(&self, lease: Lease, token: CancellationToken) -> RunningJob<'_> {
        self.lock().insert(lease.clone(), token);
        RunningJob { jobs: self, lease }
    }

    /// Returns all leases.
    pub(crate) fn leases(&self) -> Vec<Lease> {
        self.lock().keys().cloned().collect()
    }

    /// Stops the body of this lease. Returns `false` where it has ended meanwhile.
    pub(crate) fn stop_lease(&self, lost: &Lease) -> bool {
        let jobs = self.lock();
        let token = jobs.get(lost);
        if let Some(token) = token {
            token.cancel();
        }
        token.is_some()
    }

    /// Stops the bodies of a run that has ended: none of them can commit any more.
    pub(crate) fn stop_run(&self, run_id: RunId) {
        for (lease, token) in self.lock().iter() {
            if lease.run_id == run_id {
                token.cancel();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Lease, CancellationToken>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body that runs in this process.
pub(crate) struct RunningJob<'a> {
    jobs: &'a RunningJobs,
    lease: Lease,
}

impl Drop for RunningJob<'_> {
    fn drop(&mut self) {
        self.jobs.lock().remove(&self.lease);
    }
}
