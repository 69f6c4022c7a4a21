//! The queue of jobs. The store decides every claim.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::claim::{ClaimRequest, ClaimedWork};
use super::enqueue::{EnqueueTarget, EnqueuedRun};
use super::start_plans::StartPlans;
use crate::error::Error;
use crate::records::{Claimant, ClaimedJob, JobRecord, Lease};
use crate::value::RunId;

/// Claims jobs and keeps their leases. Commits enqueue the jobs.
#[async_trait]
pub trait JobTransport: Send + Sync {
    /// Claims due jobs of the claimant's definitions that are below their last attempt, and starts runs, up to
    /// [`ClaimRequest::limit`] together. Two workers never claim the same job. Each claim does what
    /// [`Change::Claim`](super::Change::Claim) says, events included.
    ///
    /// The queue is ordered by priority, the highest first. Within a priority the definitions take turns: the first
    /// entry of each definition, then the second of each, and so on. So a long queue of one definition does not delay
    /// the others. Within one turn the definitions that were not served yet come first, then those that were served the
    /// longest ago, then the older entry. Within one definition and priority, jobs come before runs to start, and among
    /// each the oldest comes first: by the instant at which the job became due or the run was created. The check of a
    /// `SUSPENDED` stage counts as [`Claimant::DEFAULT_PRIORITY`], whatever the priority of its run, so the checks of a
    /// definition stay in the order in which they are due.
    ///
    /// The claim starts the runs whose turn it is by its [`StartPlans`], and claims as many of their jobs as the limit
    /// leaves beside the other jobs.
    ///
    /// # Errors
    /// All methods that write fail when the store cannot be written, and all others when it cannot be read.
    async fn claim_work(&self, work: ClaimRequest) -> Result<ClaimedWork, Error>;

    /// Claims jobs for a claimant that starts no runs and keeps no record of turns.
    async fn claim_jobs(
        &self,
        claim: &Claimant,
        definitions: &[String],
        limit: usize,
    ) -> Result<Vec<ClaimedJob>, Error> {
        let (claim, definitions) = (claim.clone(), definitions.to_vec());
        let (served, starts) = (Vec::new(), Arc::new(StartPlans::default()));
        let work = ClaimRequest { claim, definitions, recently_served: served, limit, runs: false, starts };
        Ok(self.claim_work(work).await?.jobs)
    }

    /// Returns the `SUSPENDED` jobs that `claim_jobs` would claim now, the longest overdue first, at most `limit`. It
    /// claims none of them. For callers that run checks alone.
    async fn due_checks(&self, definitions: &[String], limit: usize) -> Result<Vec<JobRecord>, Error>;

    /// Extends the leases that are still held to `lease` from now, and returns the lost ones.
    async fn renew_leases(&self, leases: Vec<Lease>, lease: Duration) -> Result<Vec<Lease>, Error>;

    /// Returns the lost ones among the leases. It extends none and writes nothing.
    async fn lost_leases(&self, leases: Vec<Lease>) -> Result<Vec<Lease>, Error>;

    /// Returns `RUNNING` jobs whose lease has expired or whose worker is among `dead_workers`, the earliest end of a
    /// lease first, at most `limit`.
    async fn stale_jobs(&self, dead_workers: &[String], limit: usize) -> Result<Vec<JobRecord>, Error>;

    /// Returns the ids of the workers that hold leases on jobs or on deliveries.
    async fn lease_holders(&self) -> Result<Vec<String>, Error>;

    /// Returns the earliest instant at which a `PENDING` or `SUSPENDED` job of the given definitions is due; `None` where
    /// there is none. An instant in the past means: now.
    async fn next_job_due(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error>;

    /// Returns the earliest instant at which a lease expires; `None` where no job is leased.
    async fn next_lease_end(&self) -> Result<Option<DateTime<Utc>>, Error>;

    /// Returns where a program's own transaction stores a run that it enqueues; `None`, the default, where it cannot.
    fn enqueue_target(&self) -> Option<EnqueueTarget> {
        None
    }

    /// Returns enqueued runs of these workflows, the oldest of each workflow first, at most `limit`. Any number of
    /// processes may receive the same ones: the first commit that creates the run wins, and removes it here by
    /// [`Change::Dequeue`](super::Change::Dequeue).
    async fn enqueued_runs(
        &self,
        _workflow_ids: &[String],
        _limit: usize,
    ) -> Result<Vec<EnqueuedRun>, Error> {
        Ok(Vec::new())
    }

    /// Returns the enqueued run with this id.
    async fn enqueued_run(&self, _run_id: RunId) -> Result<Option<EnqueuedRun>, Error> {
        Ok(None)
    }

    /// Brings back the instants that were written while the clock was ahead: those at which jobs and deliveries are due,
    /// leases expire, and waits time out. An instant of writing that lies in the future proves that the clock has gone back
    /// since. The row then waits, from now, for what it had to wait when it was written. All others stay. Returns the number
    /// of changed rows.
    ///
    /// A worker calls this when it starts and when the clock of its process has jumped, a serverless host in each maintenance
    /// tick. Any number of processes may, in any order. A store whose instants come from another clock observes that clock
    /// itself. The default does nothing, for a clock that never goes back.
    async fn correct_instants(&self) -> Result<usize, Error> {
        Ok(0)
    }
}
