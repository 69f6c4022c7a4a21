//! The queue of jobs. Claims are always decided in the store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::work::{ClaimRequest, ClaimedWork, StartPlans};
use crate::error::Error;
use crate::records::{Claimant, ClaimedJob, JobRecord, Lease};

/// Claims and leases over the jobs that commits enqueue.
#[async_trait]
pub trait JobTransport: Send + Sync {
    /// Claims jobs that are due, of the claimer's definitions and below their last attempt, up to its `max`. No job is
    /// claimed by two workers; each claim is what `Change::Claim` says, with its event.
    ///
    /// The highest priority is first. Among equals the definitions take turns: the first of each, then the second of each,
    /// and so on, so that a long queue of one holds up no other; in one turn those that were not served yet are first,
    /// then those that were served before others, then what is older. Within a definition and a priority, what has begun
    /// is before runs that nobody has started, and among both the oldest is first: what became due first, which run was
    /// created first. A check, of a stage that is `SUSPENDED`, counts as [`Claimant::DEFAULT_PRIORITY`] whatever its run's is,
    /// so that checks of a definition stay in the order in which they are due.
    ///
    /// Runs whose turn it is are started by the claim, as its [`StartPlans`] say, and as many of their jobs claimed as `max`
    /// leaves room for beside the others.
    ///
    /// # Errors
    /// When the store cannot be written, here and below.
    async fn claim_work(&self, work: ClaimRequest) -> Result<ClaimedWork, Error>;

    /// The same for a claimer that starts no runs and does not remember whose turn it is.
    async fn claim_jobs(
        &self,
        claim: &Claimant,
        definitions: &[String],
        max: usize,
    ) -> Result<Vec<ClaimedJob>, Error> {
        let (claim, definitions) = (claim.clone(), definitions.to_vec());
        let (served, starts) = (Vec::new(), Arc::new(StartPlans::default()));
        let work =
            ClaimRequest { claim, definitions, recently_served: served, limit: max, runs: false, starts };
        Ok(self.claim_work(work).await?.jobs)
    }

    /// `SUSPENDED` jobs that `claim_jobs` would claim now, for whoever wants checks alone: the longest overdue first, at
    /// most `limit`. Nothing is claimed.
    async fn due_checks(&self, definitions: &[String], limit: usize) -> Result<Vec<JobRecord>, Error>;

    /// Extends those of the leases that are still held, to `lease` from now; answers the ones that are lost.
    async fn renew_leases(&self, leases: Vec<Lease>, lease: Duration) -> Result<Vec<Lease>, Error>;

    /// Those of the leases that are lost; none is extended, and nothing is written.
    async fn lost_leases(&self, leases: Vec<Lease>) -> Result<Vec<Lease>, Error>;

    /// `RUNNING` jobs whose lease has run out or whose worker is among `dead_workers`, the earliest end first, at most
    /// `limit`.
    async fn stale_jobs(&self, dead_workers: &[String], limit: usize) -> Result<Vec<JobRecord>, Error>;

    /// Who holds leases.
    async fn lease_holders(&self) -> Result<Vec<String>, Error>;

    /// The earliest instant at which a `PENDING` or `SUSPENDED` job of the given definitions is due; `None` where none waits. An
    /// instant that has passed means: now.
    async fn next_job_due(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error>;

    /// The earliest instant at which a lease runs out; `None` where nothing is leased.
    async fn next_lease_end(&self) -> Result<Option<DateTime<Utc>>, Error>;
}
