//! The bodies that run in this process: whose leases to renew, and whom to tell to stop.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::records::Lease;
use crate::value::RunId;

/// The leases under which bodies run here, each with the token that stops its body.
#[derive(Debug, Default)]
pub(crate) struct RunningJobs {
    jobs: Mutex<HashMap<Lease, CancellationToken>>,
}

impl RunningJobs {
    /// A body begins; it is listed until the guard is dropped.
    pub(crate) fn enter(&self, lease: Lease, token: CancellationToken) -> RunningJob<'_> {
        self.lock().insert(lease.clone(), token);
        RunningJob { jobs: self, lease }
    }

    /// All leases.
    pub(crate) fn leases(&self) -> Vec<Lease> {
        self.lock().keys().cloned().collect()
    }

    /// Stops the body of this lease; `false` where none runs any more: it has come to its end meanwhile.
    pub(crate) fn stop_lease(&self, lost: &Lease) -> bool {
        let jobs = self.lock();
        let token = jobs.get(lost);
        if let Some(token) = token {
            token.cancel();
        }
        token.is_some()
    }

    /// Stops the bodies of a run: it has ended, and none of them can commit any more.
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

/// A body that runs here.
pub(crate) struct RunningJob<'a> {
    jobs: &'a RunningJobs,
    lease: Lease,
}

impl Drop for RunningJob<'_> {
    fn drop(&mut self) {
        self.jobs.lock().remove(&self.lease);
    }
}
