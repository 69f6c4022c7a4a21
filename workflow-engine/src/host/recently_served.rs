//! Claims work so that the definitions take turns.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::kernel::{Kernel, start_pending};
use crate::ports::{ClaimRequest, ClaimedWork};
use crate::records::{Claimant, ClaimedJob, RunRecord};

/// The definitions from which a host has claimed jobs, the latest last. A claim prefers the others, so that definitions
/// alternate even in a host with a single slot.
#[derive(Debug, Default)]
pub(super) struct RecentlyServed {
    served: Mutex<Vec<String>>,
}

impl RecentlyServed {
    /// Claims up to `limit` jobs, and with `runs` also starts pending runs. Returns the runs that the store cannot start
    /// by itself, because their definition has to be checked; start those with [`start`](Self::start).
    pub(super) async fn claim(
        &self,
        kernel: &Kernel,
        claim: &Claimant,
        limit: usize,
        runs: bool,
    ) -> Result<ClaimedWork, Error> {
        let (definitions, served) = (kernel.definitions(), self.served());
        let (claim, starts) = (claim.clone(), Arc::clone(kernel.starts()));
        let work = ClaimRequest { claim, definitions, recently_served: served, limit, runs, starts };
        let found = kernel.store().claim_work(work).await?;
        self.record(&found.jobs);
        Ok(found)
    }

    /// Starts these runs and claims up to `slots` of their first jobs.
    pub(super) async fn start(
        &self,
        kernel: &Kernel,
        claim: &Claimant,
        runs: Vec<RunRecord>,
        slots: usize,
    ) -> Result<Started, Error> {
        let started = start_pending(kernel, runs, claim, slots).await?;
        let runs = started.len();
        let jobs: Vec<ClaimedJob> = started.into_iter().flat_map(|run| run.jobs).collect();
        self.record(&jobs);
        Ok(Started { runs, jobs })
    }

    fn served(&self) -> Vec<String> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn record(&self, jobs: &[ClaimedJob]) {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        for ClaimedJob { definition_fingerprint: definition, .. } in jobs {
            if served.last() != Some(definition) {
                served.retain(|other| other != definition);
                served.push(definition.clone());
            }
        }
    }
}

/// Runs that were started.
pub(super) struct Started {
    /// The number of runs.
    pub(super) runs: usize,
    /// The first jobs that the host has claimed.
    pub(super) jobs: Vec<ClaimedJob>,
}
