//! The store on SQLite as a queue of jobs.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::arguments::count;
use super::batch::Batch;
use super::claim::{self, named};
use super::clock_jumps::{self, ANY_AHEAD};
use super::columns::{Columns, json_records, json_row};
use super::definition_queries::{self, per_definition};
use super::failure::Failure;
use crate::error::Error;
use crate::ports::{ClaimRequest, ClaimedWork, EnqueueTarget, EnqueuedRun, JobTransport};
use crate::records::{JobRecord, Lease};
use crate::stores::commit::Work;
use crate::stores::implicit::{LeaseEnd, Renewal};
use crate::stores::instant;
use crate::stores::rows::{ReadColumns, StoredRun, job_columns, run_columns};
use crate::value::RunId;

const STALE: &str = concat!(
    "SELECT ",
    json_row!(job_columns),
    " FROM {prefix}job_queue AS j WHERE j.status = 'RUNNING'
        AND (j.leased_until <= ?1 OR j.worker_id IN (SELECT value FROM jsonb_each(?2)))
    ORDER BY j.leased_until, j.workflow_run_id, j.stage_id, j.place LIMIT ?3"
);

/// The runs whose owners hold jobs without rows. They are no more than the slots of all workers.
const HELD: &str = concat!(
    "SELECT ",
    json_row!(run_columns),
    " FROM {prefix}runs AS r INDEXED BY {prefix}runs_held WHERE r.owner IS NOT NULL"
);

/// The positions of lost leases. A lease without a row has the first epoch, and an entry in its run that starts with the
/// sixth column. One statement, because a lease may get its row at any time.
const LOST: &str = "
    SELECT n.key FROM jsonb_each(?1) AS n
    WHERE NOT EXISTS (
        SELECT 1 FROM {prefix}job_queue AS j
        WHERE j.workflow_run_id = n.value ->> 0 AND j.stage_id = n.value ->> 1
            AND j.place = n.value ->> 2
            AND j.status = 'RUNNING' AND j.generation = n.value ->> 3 AND j.lease_epoch = n.value ->> 4)
    AND NOT EXISTS (
        SELECT 1 FROM {prefix}runs AS r
        WHERE r.id = n.value ->> 0 AND r.owner IS NOT NULL AND r.generation = n.value ->> 3
            AND n.value ->> 4 = 1 AND instr(r.held, n.value ->> 5) > 0)";

const LEASE_HOLDERS: &str = "
    SELECT DISTINCT j.worker_id FROM {prefix}job_queue AS j
    WHERE j.status = 'RUNNING' AND j.leased_until IS NOT NULL
    UNION SELECT r.owner FROM {prefix}runs AS r INDEXED BY {prefix}runs_held WHERE r.owner IS NOT NULL
    UNION SELECT d.worker_id FROM {prefix}plugin_deliveries AS d WHERE d.worker_id IS NOT NULL";

const NEXT_LEASE_END: &str = "
    SELECT j.leased_until AS due FROM {prefix}job_queue AS j
    WHERE j.status = 'RUNNING' AND j.leased_until IS NOT NULL ORDER BY j.leased_until LIMIT 1";

/// The earliest due job of each definition and occurring priority, each found through the index of pending jobs, and the
/// earliest due check of each definition. The conditions for a claimable job are the same as in the claim. Otherwise
/// workers would try to claim a job that they cannot have, again and again.
const NEXT_JOB_DUE: &str = "
    WITH RECURSIVE priorities (definition, priority) AS (
        SELECT d.value, (
            SELECT q.priority FROM {prefix}job_queue AS q
            WHERE q.status = 'PENDING' AND q.definition_fingerprint = d.value
            ORDER BY q.priority DESC LIMIT 1)
        FROM jsonb_each(?1) AS d
        UNION ALL
        SELECT p.definition, (
            SELECT q.priority FROM {prefix}job_queue AS q
            WHERE q.status = 'PENDING' AND q.definition_fingerprint = p.definition AND q.priority < p.priority
            ORDER BY q.priority DESC LIMIT 1)
        FROM priorities AS p WHERE p.priority IS NOT NULL
    )
    SELECT min(due) AS due FROM (
        SELECT (SELECT j.run_at
                FROM {prefix}job_queue AS j CROSS JOIN {prefix}runs AS r ON r.id = j.workflow_run_id
                WHERE j.status = 'PENDING' AND j.definition_fingerprint = p.definition
                    AND j.priority = p.priority AND j.attempt < j.max_attempts
                    AND r.status = 'RUNNING' AND r.generation = j.generation
                ORDER BY j.run_at LIMIT 1) AS due
        FROM priorities AS p WHERE p.priority IS NOT NULL
        UNION ALL
        SELECT (SELECT c.run_at
                FROM {prefix}job_queue AS c CROSS JOIN {prefix}runs AS r ON r.id = c.workflow_run_id
                WHERE c.status = 'SUSPENDED' AND c.definition_fingerprint = d.value
                    AND c.attempt < c.max_attempts
                    AND r.status = 'RUNNING' AND r.generation = c.generation
                ORDER BY c.run_at LIMIT 1)
        FROM jsonb_each(?1) AS d
    )";

macro_rules! due_checks {
    ($definition:literal) => {
        concat!(
            "SELECT ",
            json_row!(job_columns),
            ", j.run_at, j.workflow_run_id, j.stage_id, j.place
            FROM {prefix}job_queue AS j CROSS JOIN {prefix}runs AS r ON r.id = j.workflow_run_id
            WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = ",
            $definition,
            " AND j.run_at <= ?9 AND j.attempt < j.max_attempts
                AND r.status = 'RUNNING' AND r.generation = j.generation"
        )
    };
}

const DUE_CHECKS: &str = per_definition!(due_checks, " ORDER BY 2, 3, 4, 5 LIMIT ?10");

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[STALE, HELD, LOST, LEASE_HOLDERS, NEXT_LEASE_END, NEXT_JOB_DUE, DUE_CHECKS];

#[async_trait]
impl JobTransport for SqliteStore {
    async fn claim_work(&self, work: ClaimRequest) -> Result<ClaimedWork, Error> {
        self.request("claim jobs", Work::Claim, work).await
    }

    async fn due_checks(&self, definitions: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        let now = instant::now(&*self.clock);
        let mut due = Vec::new();
        for query in definition_queries::queries(self, DUE_CHECKS, definitions) {
            let rows =
                self.read("read due checks", query.bind(now.timestamp_micros()).bind(count(limit))).await?;
            due.extend(json_records(&rows)?);
        }
        let place = |job: &JobRecord| (job.run_at, job.run_id);
        Ok(definition_queries::merge(due, limit, |a, b| place(a).cmp(&place(b))))
    }

    async fn renew_leases(&self, leases: Vec<Lease>, lease: Duration) -> Result<Vec<Lease>, Error> {
        const DOING: &str = "renew leases";

        if leases.is_empty() {
            return Ok(leases);
        }
        let renew = |batch: &mut Batch, (leases, lease): &(Vec<Lease>, Duration)| {
            for Lease { run_id, stage_key, .. } in leases {
                // The lease is written past the rows in memory.
                batch.row_cache.remove_stage(*run_id, stage_key);
                if let Some(rows) = batch.set.runs.get_mut(run_id) {
                    rows.stages.remove(stage_key);
                }
            }
            claim::renew(&batch.session, leases, *lease, batch.now)
        };
        let leases = self.write(DOING, renew, (leases, lease)).await?;
        if leases.is_empty() {
            return Ok(leases);
        }
        // Those that have no rows.
        self.request(DOING, Work::Renew, Renewal { leases, end: LeaseEnd::In(lease) }).await
    }

    async fn lost_leases(&self, leases: Vec<Lease>) -> Result<Vec<Lease>, Error> {
        const DOING: &str = "read which leases are held";

        if leases.is_empty() {
            return Ok(leases);
        }
        let rows = self.read(DOING, self.query(LOST).bind(named(&leases))).await?;
        let lost = rows.iter().map(|row| row.try_get::<i64, _>(0)).collect::<Result<HashSet<_>, _>>();
        let lost = lost.map_err(|error| Failure::database(DOING, error))?;
        Ok(leases
            .into_iter()
            .zip(0..)
            .filter(|(_, place)| lost.contains(place))
            .map(|(lease, _)| lease)
            .collect())
    }

    async fn stale_jobs(&self, dead_workers: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        let now = instant::now(&*self.clock);
        let query =
            self.query(STALE).bind(now.timestamp_micros()).bind(names(dead_workers)).bind(count(limit));
        // The held ones first: a job that gets its row in between is found twice, and not missed.
        let held = self.held_jobs().await?.into_iter().filter(|job| {
            job.leased_until.is_some_and(|until| until <= now)
                || job.worker_id.as_ref().is_some_and(|worker| dead_workers.contains(worker))
        });
        let mut stale: Vec<JobRecord> = held.collect();
        stale.extend(json_records::<JobRecord>(&self.read("read stale jobs", query).await?)?);
        let place = |job: &JobRecord| (job.leased_until, job.run_id);
        Ok(definition_queries::merge(stale, limit, |a, b| {
            place(a).cmp(&place(b)).then_with(|| (&a.stage_id, &a.place).cmp(&(&b.stage_id, &b.place)))
        }))
    }

    async fn lease_holders(&self) -> Result<Vec<String>, Error> {
        const DOING: &str = "read who holds leases";

        let rows = self.read(DOING, self.query(LEASE_HOLDERS)).await?;
        let holders = rows.iter().map(|row| row.try_get::<Option<String>, _>(0));
        let holders =
            holders.collect::<Result<Vec<_>, _>>().map_err(|error| Failure::database(DOING, error))?;
        Ok(holders.into_iter().flatten().collect())
    }

    async fn next_job_due(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        let query = self.query(NEXT_JOB_DUE).bind(names(definitions));
        let rows = self.read("read the next due instant", query).await?;
        Ok(due(&rows)?.filter(|due| *due < instant::NEVER))
    }

    fn enqueue_target(&self) -> Option<EnqueueTarget> {
        Some(EnqueueTarget::Sqlite { prefix: self.texts.name().to_owned() })
    }

    async fn enqueued_runs(&self, workflow_ids: &[String], limit: usize) -> Result<Vec<EnqueuedRun>, Error> {
        self.read_enqueued(workflow_ids, limit).await
    }

    async fn enqueued_run(&self, run_id: RunId) -> Result<Option<EnqueuedRun>, Error> {
        self.read_enqueued_run(run_id).await
    }

    async fn next_lease_end(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let held = self.held_jobs().await?.into_iter().filter_map(|job| job.leased_until).min();
        let rows = self.read("read the next end of a lease", self.query(NEXT_LEASE_END)).await?;
        Ok(due(&rows)?.into_iter().chain(held).min())
    }

    async fn correct_instants(&self) -> Result<usize, Error> {
        const DOING: &str = "correct instants";

        // A correction is a write transaction. This read spares it where the clock has not gone back.
        let now = instant::now(&*self.clock);
        let ahead = self.held_runs().await?.into_iter().flat_map(|held| held.leases_since(now));
        let (leases, end) = (ahead.collect::<Vec<_>>(), LeaseEnd::Corrected(TimeDelta::zero()));
        let held = leases.len();
        if held > 0 {
            self.request(DOING, Work::Renew, Renewal { leases, end }).await?;
        }
        let query =
            self.query(ANY_AHEAD).bind(now.timestamp_micros()).bind(instant::NEVER.timestamp_micros());
        let rows = self.read(DOING, query).await?;
        let any = rows.first().map_or(Ok(false), |row| row.try_get::<bool, _>(0));
        if !any.map_err(|error| Failure::database(DOING, error))? {
            return Ok(held);
        }
        let correct = |batch: &mut Batch, (): &()| {
            let corrected = clock_jumps::correct(&batch.session, batch.now)?;
            if corrected > 0 {
                // The instants are written past the rows in memory.
                batch.row_cache.clear();
                batch.set.runs.clear();
            }
            Ok(corrected)
        };
        Ok(held + self.write(DOING, correct, ()).await?)
    }
}

impl SqliteStore {
    async fn held_runs(&self) -> Result<Vec<StoredRun>, Error> {
        Ok(json_records(&self.read("read held jobs", self.query(HELD)).await?)?)
    }

    async fn held_jobs(&self) -> Result<Vec<JobRecord>, Error> {
        let runs = self.held_runs().await?;
        Ok(runs.iter().flat_map(|stored| stored.implicit.jobs(&stored.run)).collect())
    }
}

/// Returns the only column of the only row, if there is one.
pub(super) fn due(rows: &[SqliteRow]) -> Result<Option<DateTime<Utc>>, Error> {
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Columns::new(row, "workflow_job_queue", 0).maybe_instant("due")?)
}

/// Returns texts as an argument of `jsonb_each`.
fn names(names: &[String]) -> String {
    // An array of texts always has a JSON form.
    serde_json::to_string(names).unwrap_or_default()
}
