//! The queue of jobs. Claims are always decided in the store.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::records::{Claim, ClaimedJob, JobRecord, Lease};

/// Claims and leases over the jobs that commits enqueue.
#[async_trait]
pub trait JobTransport: Send + Sync {
    /// Claims up to `max` jobs that are due, of the given definitions (fingerprints) and below their last attempt:
    /// those that are `PENDING` by priority, then by the instant they became due; then those that are `SUSPENDED`, by
    /// that instant. Each claim is what `Change::Claim` says, with its event. No job is claimed by two workers.
    ///
    /// # Errors
    /// When the store cannot be written, here and below.
    async fn claim_jobs(
        &self,
        claim: &Claim,
        definitions: &[String],
        max: usize,
    ) -> Result<Vec<ClaimedJob>, Error>;

    /// `SUSPENDED` jobs that `claim_jobs` would claim now, for whoever wants checks alone: the longest overdue first, at
    /// most `limit`. Nothing is claimed.
    async fn due_checks(&self, definitions: &[String], limit: usize) -> Result<Vec<JobRecord>, Error>;

    /// Extends those of the leases that are still held, to `lease` from now; answers the ones that are lost.
    async fn renew_leases(&self, leases: Vec<Lease>, lease: Duration) -> Result<Vec<Lease>, Error>;

    /// `RUNNING` jobs whose lease has run out or whose worker is among `gone_workers`, the earliest end first, at most
    /// `limit`.
    async fn stale_jobs(&self, gone_workers: &[String], limit: usize) -> Result<Vec<JobRecord>, Error>;

    /// Who holds leases.
    async fn lease_holders(&self) -> Result<Vec<String>, Error>;

    /// The earliest instant at which a `PENDING` or `SUSPENDED` job of the given definitions is due; `None` where none waits. An
    /// instant that has passed means: now.
    async fn next_job_due(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error>;

    /// The earliest instant at which a lease runs out; `None` where nothing is leased.
    async fn next_lease_end(&self) -> Result<Option<DateTime<Utc>>, Error>;
}
