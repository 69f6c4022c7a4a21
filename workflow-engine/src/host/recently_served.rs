//! Claiming what is next, and remembering whose turn it was.

use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::kernel::{Kernel, start_pending};
use crate::ports::{ClaimRequest, ClaimedWork};
use crate::records::{Claimant, ClaimedJob, RunRecord};

/// A host's memory of the definitions that had a turn, the latest last. A claim gives the turn to the others: so they
/// alternate also where there is room for no more than one job at a time.
#[derive(Debug, Default)]
pub(super) struct RecentlyServed {
    served: Mutex<Vec<String>>,
}

impl RecentlyServed {
    /// Claims up to `max` jobs, and with `runs` starts runs that nobody has started; those whose definition has to be
    /// looked at first are to be started by [`start`](Self::start).
    pub(super) async fn claim(
        &self,
        kernel: &Kernel,
        claim: &Claimant,
        max: usize,
        runs: bool,
    ) -> Result<ClaimedWork, Error> {
        let (definitions, served) = (kernel.definitions(), self.served());
        let (claim, starts) = (claim.clone(), Arc::clone(kernel.starts()));
        let work = ClaimRequest { claim, definitions, recently_served: served, limit: max, runs, starts };
        let found = kernel.store().claim_work(work).await?;
        self.note(&found.jobs);
        Ok(found)
    }

    /// Starts these runs, and takes up to `slots` of their first jobs.
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
        self.note(&jobs);
        Ok(Started { runs, jobs })
    }

    fn served(&self) -> Vec<String> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, jobs: &[ClaimedJob]) {
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        for ClaimedJob { definition_fingerprint: definition, .. } in jobs {
            if served.last() != Some(definition) {
                served.retain(|known| known != definition);
                served.push(definition.clone());
            }
        }
    }
}

/// Runs that were started.
pub(super) struct Started {
    /// How many.
    pub(super) runs: usize,
    /// Those of their first jobs that the host holds.
    pub(super) jobs: Vec<ClaimedJob>,
}
