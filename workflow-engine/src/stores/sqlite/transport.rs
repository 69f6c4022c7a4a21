//! The store on SQLite as the queue of jobs.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteStore;
use super::columns::Columns;
use super::persistence::count;
use super::rows::{JobRow, each, job_row};
use super::work::{ClaimJobs, RenewLeases, Work};
use crate::error::Error;
use crate::ports::JobTransport;
use crate::records::{Claim, ClaimedJob, JobRecord, Lease};
use crate::stores::instant;

const EXPIRED: &str = concat!(
    "SELECT ",
    job_row!(),
    " FROM job_queue AS j WHERE j.status = 'RUNNING' AND j.leased_until <= ?1
    ORDER BY j.leased_until, j.workflow_run_id LIMIT ?2"
);

/// The earliest due job of each priority that occurs, each found through the index of pending jobs, and the lease
/// that runs out first. What makes a job claimable is the same here as where it is claimed; otherwise a worker would
/// be sent for a job that it cannot have, again and again.
const NEXT_DUE: &str = "
    WITH RECURSIVE priorities (priority) AS (
        SELECT (SELECT q.priority FROM job_queue AS q WHERE q.status = 'PENDING'
                ORDER BY q.priority DESC LIMIT 1)
        UNION ALL
        SELECT (SELECT q.priority FROM job_queue AS q WHERE q.status = 'PENDING' AND q.priority < p.priority
                ORDER BY q.priority DESC LIMIT 1)
        FROM priorities AS p WHERE p.priority IS NOT NULL
    )
    SELECT min(due) FROM (
        SELECT (SELECT j.run_at
                FROM job_queue AS j CROSS JOIN workflow_runs AS r ON r.id = j.workflow_run_id
                WHERE j.status = 'PENDING' AND j.priority = p.priority AND j.attempt < j.max_attempts
                    AND j.definition_fingerprint IN (SELECT value FROM jsonb_each(?1))
                    AND r.status = 'RUNNING' AND r.generation = j.generation
                ORDER BY j.run_at LIMIT 1) AS due
        FROM priorities AS p WHERE p.priority IS NOT NULL
        UNION ALL
        SELECT (SELECT l.leased_until FROM job_queue AS l
                WHERE l.status = 'RUNNING' AND l.leased_until IS NOT NULL ORDER BY l.leased_until LIMIT 1)
    )";

/// The statements of this file, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[EXPIRED, NEXT_DUE];

#[async_trait]
impl JobTransport for SqliteStore {
    async fn claim_jobs(
        &self,
        claim: &Claim,
        definitions: &[String],
        max: usize,
    ) -> Result<Vec<ClaimedJob>, Error> {
        let claim = ClaimJobs { claim: claim.clone(), definitions: definitions.to_vec(), max };
        self.ask("claim jobs", Work::Claim, claim).await
    }

    async fn renew_leases(&self, leases: Vec<Lease>, lease: Duration) -> Result<Vec<Lease>, Error> {
        if leases.is_empty() {
            return Ok(leases);
        }
        self.ask("renew leases", Work::Renew, RenewLeases { leases, lease }).await
    }

    async fn expired_jobs(&self, limit: usize) -> Result<Vec<JobRecord>, Error> {
        let now = instant::now(&*self.clock);
        let query = sqlx::query(EXPIRED).bind(now.timestamp_micros()).bind(count(limit));
        let rows = self.read("read expired jobs", query).await?;
        Ok(each::<JobRow<'_>>(&rows)?)
    }

    async fn next_due(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        // An array of texts always has a JSON form.
        let names = serde_json::to_string(definitions).unwrap_or_default();
        let rows = self.read("read the next due instant", sqlx::query(NEXT_DUE).bind(names)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        Ok(Columns::new(row, "job_queue", 0).maybe_instant("run_at")?)
    }
}
