//! Implements the job transport port: claims, leases and due instants.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::future::try_join_all;
use sqlx::postgres::PgRow;

use super::arrays::distinct_texts;
use super::arrays::microseconds;
use super::arrays::{PgQuery, number, texts};
use super::columns::{self, Columns};
use super::failure::Failure;
use super::held::{READ_HELD, held_query, held_runs};
use super::key_columns::KeyColumns;
use super::text::stored;
use super::{PostgresStore, clock_jumps};
use crate::error::Error;
use crate::ports::{ClaimRequest, ClaimedWork, Clock, EnqueueTarget, EnqueuedRun, JobTransport, SystemClock};
use crate::records::{JobRecord, Lease};
use crate::stores::commit::Work;
use crate::stores::implicit::{LeaseEnd, Renewal, entry_start};
use crate::stores::rows::{ReadColumns, StoredRun, job_columns};
use crate::stores::{Closed, instant};
use crate::value::RunId;

const DUE_CHECKS: &str = concat!(
    "SELECT c.id, c.texts, c.numbers, c.instants FROM unnest($1) AS d (definition) CROSS JOIN LATERAL (
        SELECT ",
    job_columns!(array_row),
    ", j.run_at, j.stage_id, j.place
        FROM {schema}.workflow_job_queue AS j JOIN {schema}.workflow_runs AS r ON r.id = j.workflow_run_id
        WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = d.definition
            AND j.run_at <= coalesce($2, statement_timestamp()) AND j.attempt < j.max_attempts
            AND r.status = 'RUNNING' AND r.generation = j.generation
        ORDER BY j.run_at, j.workflow_run_id, j.stage_id, j.place LIMIT $3
    ) AS c (id, texts, numbers, instants, run_at, stage_id, place)
    ORDER BY c.run_at, c.id, c.stage_id, c.place LIMIT $3"
);

/// Extends leases and returns those that are still held. It skips locked jobs, so a heartbeat never waits: another
/// transaction is about to write such a job, by the lease's holder or to take the lease away, and in both cases there
/// is nothing to extend.
const RENEW: &str = "
    WITH named AS MATERIALIZED (
        SELECT * FROM unnest($1, $2, $3, $4, $5) AS n (run_id, stage_id, place, generation, epoch)
    ),
    locked AS MATERIALIZED (
        SELECT j.workflow_run_id, j.stage_id, j.place
        FROM named AS n JOIN {schema}.workflow_job_queue AS j
            ON j.workflow_run_id = n.run_id AND j.stage_id = n.stage_id AND j.place = n.place
        WHERE j.status = 'RUNNING' AND j.generation = n.generation AND j.lease_epoch = n.epoch
        FOR NO KEY UPDATE OF j SKIP LOCKED
    ),
    renewed AS (
        UPDATE {schema}.workflow_job_queue AS j
        SET leased_until = least(
            coalesce($6, statement_timestamp()) + $7 * interval '1 microsecond', '9999-12-31 23:59:59.999999+00'),
            due_written_at = coalesce($6, statement_timestamp())
        FROM locked AS l WHERE j.workflow_run_id = l.workflow_run_id AND j.stage_id = l.stage_id AND j.place = l.place
    )
    SELECT j.workflow_run_id, ARRAY[j.stage_id, j.place], ARRAY[j.generation, j.lease_epoch], ARRAY[]::timestamptz[]
    FROM named AS n JOIN {schema}.workflow_job_queue AS j
        ON j.workflow_run_id = n.run_id AND j.stage_id = n.stage_id AND j.place = n.place
    WHERE j.status = 'RUNNING' AND j.generation = n.generation AND j.lease_epoch = n.epoch";

/// Returns the positions, from 1, of leases that are no longer held. A lease without a row has the first epoch, and an entry
/// in its run that starts with $6. One statement, because a lease may get its row at any time. The heartbeat runs it after
/// commits of other processes; it writes nothing.
const LOST_LEASES: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[n.position], ARRAY[]::timestamptz[]
    FROM unnest($1, $2, $3, $4, $5, $6) WITH ORDINALITY
        AS n (run_id, stage_id, place, generation, epoch, entry, position)
    WHERE NOT EXISTS (
        SELECT FROM {schema}.workflow_job_queue AS j
        WHERE j.workflow_run_id = n.run_id AND j.stage_id = n.stage_id AND j.place = n.place
            AND j.status = 'RUNNING' AND j.generation = n.generation AND j.lease_epoch = n.epoch)
    AND NOT EXISTS (
        SELECT FROM {schema}.workflow_runs AS r
        WHERE r.id = n.run_id AND r.owner IS NOT NULL AND r.generation = n.generation
            AND n.epoch = 1 AND strpos(r.held, n.entry) > 0)";

const STALE: &str = concat!(
    "SELECT ",
    job_columns!(array_row),
    " FROM {schema}.workflow_job_queue AS j WHERE j.status = 'RUNNING'
        AND (j.leased_until <= coalesce($1, statement_timestamp()) OR j.worker_id = ANY($2))
    ORDER BY j.leased_until, j.workflow_run_id, j.stage_id, j.place LIMIT $3"
);

const LEASE_HOLDERS: &str = "
    SELECT NULL::uuid, array_agg(DISTINCT h.worker_id), ARRAY[]::bigint[], ARRAY[]::timestamptz[]
    FROM (
        SELECT j.worker_id FROM {schema}.workflow_job_queue AS j WHERE j.status = 'RUNNING'
        UNION SELECT r.owner FROM {schema}.workflow_runs AS r WHERE r.owner IS NOT NULL
        UNION SELECT d.worker_id FROM {schema}.workflow_plugin_deliveries AS d WHERE d.worker_id IS NOT NULL
    ) AS h
    HAVING count(*) > 0";

/// Reads when the first lease ends, and the database's time.
const NEXT_LEASE_END: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[j.leased_until, statement_timestamp()]
    FROM {schema}.workflow_job_queue AS j WHERE j.status = 'RUNNING' AND j.leased_until IS NOT NULL
    ORDER BY j.leased_until LIMIT 1";

/// Reads when the next job or check is due, and the database's time. It finds the earliest job of each definition and
/// priority through the index of pending jobs, and the earliest check of each definition. Its conditions on a job are
/// those of a claim (`claim.rs`); otherwise a worker would be woken again and again for a job that it cannot
/// claim.
const NEXT_JOB_DUE: &str = "
    WITH RECURSIVE priorities (definition, priority) AS (
        SELECT d.definition, (
            SELECT q.priority FROM {schema}.workflow_job_queue AS q
            WHERE q.status = 'PENDING' AND q.definition_fingerprint = d.definition
            ORDER BY q.priority DESC LIMIT 1)
        FROM unnest($1) AS d (definition)
        UNION ALL
        SELECT p.definition, (
            SELECT q.priority FROM {schema}.workflow_job_queue AS q
            WHERE q.status = 'PENDING' AND q.definition_fingerprint = p.definition AND q.priority < p.priority
            ORDER BY q.priority DESC LIMIT 1)
        FROM priorities AS p WHERE p.priority IS NOT NULL
    )
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[min(due), statement_timestamp()] FROM (
        SELECT (SELECT j.run_at
                FROM {schema}.workflow_job_queue AS j JOIN {schema}.workflow_runs AS r ON r.id = j.workflow_run_id
                WHERE j.status = 'PENDING' AND j.definition_fingerprint = p.definition
                    AND j.priority = p.priority AND j.attempt < j.max_attempts
                    AND r.status = 'RUNNING' AND r.generation = j.generation
                ORDER BY j.run_at, j.workflow_run_id, j.stage_id, j.place LIMIT 1) AS due
        FROM priorities AS p WHERE p.priority IS NOT NULL
        UNION ALL
        SELECT (SELECT j.run_at
                FROM {schema}.workflow_job_queue AS j JOIN {schema}.workflow_runs AS r ON r.id = j.workflow_run_id
                WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = d.definition
                    AND j.attempt < j.max_attempts
                    AND r.status = 'RUNNING' AND r.generation = j.generation
                ORDER BY j.run_at, j.workflow_run_id, j.stage_id, j.place LIMIT 1)
        FROM unnest($1) AS d (definition)
    ) AS candidates";

/// The most runs that a renewal locks together.
const MAX_LOCKED_RENEWALS: usize = 8;

#[async_trait]
impl JobTransport for PostgresStore {
    async fn claim_work(&self, work: ClaimRequest) -> Result<ClaimedWork, Error> {
        if work.limit == 0 || work.definitions.is_empty() {
            return Ok(ClaimedWork::default());
        }
        if let Some(claimed) = self.claim_optimistic(&work).await? {
            return Ok(claimed);
        }
        self.submit("claim jobs", Work::Claim, work).await
    }

    async fn due_checks(&self, definitions: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        let (definitions, limit) = (distinct_texts(definitions), number(limit));
        let rows = self.read("read due checks", move |database| {
            let query = database.query(DUE_CHECKS).bind(definitions.clone());
            query.bind(database.test_now()).bind(limit)
        });
        Ok(columns::records(&rows.await?)?)
    }

    async fn renew_leases(&self, leases: Vec<Lease>, lease: Duration) -> Result<Vec<Lease>, Error> {
        if leases.is_empty() {
            return Ok(leases);
        }
        let (columns, length) = (LeaseColumns::new(&leases), microseconds(lease));
        let rows = self.read("renew leases", move |database| {
            let query = columns.bind(database.query(RENEW));
            query.bind(database.test_now()).bind(length)
        });
        let held = rows.await?.iter().map(lease_of).collect::<Result<HashSet<Lease>, Failure>>()?;
        let leases: Vec<Lease> = leases.into_iter().filter(|lease| !held.contains(lease)).collect();
        if leases.is_empty() {
            return Ok(leases);
        }
        let named = leases.clone();
        // Those that have no rows, a few in each transaction: it locks their runs, and one of them may be locked for long.
        let mut parts: BTreeMap<RunId, Vec<Lease>> = BTreeMap::new();
        for lease in leases {
            parts.entry(lease.run_id).or_default().push(lease);
        }
        let parts: Vec<Vec<Lease>> = parts.into_values().collect();
        let renewals = parts.chunks(MAX_LOCKED_RENEWALS).map(|leases| {
            let renewal = Renewal { leases: leases.concat(), end: LeaseEnd::In(lease) };
            self.submit("renew leases", Work::Renew, renewal)
        });
        let lost: HashSet<Lease> = try_join_all(renewals).await?.into_iter().flatten().collect();
        Ok(named.into_iter().filter(|lease| lost.contains(lease)).collect())
    }

    async fn lost_leases(&self, leases: Vec<Lease>) -> Result<Vec<Lease>, Error> {
        if leases.is_empty() {
            return Ok(leases);
        }
        let columns = LeaseColumns::new(&leases);
        let entries = leases.iter().map(|lease| stored(&entry_start(&lease.stage_key)).into_owned());
        let entries: Vec<String> = entries.collect();
        let rows = self.read("read which leases are held", move |database| {
            columns.bind(database.query(LOST_LEASES)).bind(entries.clone())
        });
        let rows = rows.await?;
        let lost = rows.iter().map(|row| Columns::new(row, "workflow_job_queue")?.int("position"));
        let lost = lost.collect::<Result<HashSet<u64>, Failure>>()?;
        Ok(leases
            .into_iter()
            .zip(1..)
            .filter(|(_, position)| lost.contains(position))
            .map(|(lease, _)| lease)
            .collect())
    }

    async fn stale_jobs(&self, dead_workers: &[String], limit: usize) -> Result<Vec<JobRecord>, Error> {
        // The held ones first: a job that gets its row in between is found twice, and not missed.
        let (held, now) = self.held_runs().await?;
        let held = held.iter().flat_map(|held| held.implicit.jobs(&held.run)).filter(|job| {
            job.leased_until.is_some_and(|until| until <= now)
                || job.worker_id.as_ref().is_some_and(|worker| dead_workers.contains(worker))
        });
        let mut stale: Vec<JobRecord> = held.collect();
        let (workers, most) = (texts(dead_workers), number(limit));
        let rows = self.read("read stale jobs", move |database| {
            let query = database.query(STALE).bind(database.test_now());
            query.bind(workers.clone()).bind(most)
        });
        stale.extend(columns::records::<JobRecord>(&rows.await?)?);
        stale.sort_by(|a, b| {
            let place = |job: &JobRecord| (job.leased_until, job.run_id);
            place(a).cmp(&place(b)).then_with(|| (&a.stage_id, &a.place).cmp(&(&b.stage_id, &b.place)))
        });
        stale.truncate(limit);
        Ok(stale)
    }

    async fn lease_holders(&self) -> Result<Vec<String>, Error> {
        let rows = self.read("read the holders of leases", |database| database.query(LEASE_HOLDERS));
        let mut holders = Vec::new();
        for row in &rows.await? {
            let mut columns = Columns::new(row, "workflow_job_queue")?;
            holders.extend(columns.texts());
        }
        Ok(holders)
    }

    async fn next_job_due(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        let definitions = distinct_texts(definitions);
        let rows = self.read("read the next due instant", move |database| {
            database.query(NEXT_JOB_DUE).bind(definitions.clone())
        });
        self.local_due(&rows.await?)
    }

    fn enqueue_target(&self) -> Option<EnqueueTarget> {
        Some(EnqueueTarget::Postgres { schema: self.database.statements.schema().to_owned() })
    }

    async fn enqueued_runs(&self, workflow_ids: &[String], limit: usize) -> Result<Vec<EnqueuedRun>, Error> {
        self.read_enqueued(workflow_ids, limit).await
    }

    async fn enqueued_run(&self, run_id: RunId) -> Result<Option<EnqueuedRun>, Error> {
        self.read_enqueued_run(run_id).await
    }

    async fn next_lease_end(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let (held, now) = self.held_runs().await?;
        let held = held.iter().filter_map(|held| held.implicit.earliest_end()).min();
        let held = held.map(|end| self.here(end, now));
        let rows = self.read("read the next end of a lease", |database| database.query(NEXT_LEASE_END));
        Ok(self.local_due(&rows.await?)?.into_iter().chain(held).min())
    }

    async fn correct_instants(&self) -> Result<usize, Error> {
        if self.stop.is_cancelled() {
            return Err(Error::store_unavailable(clock_jumps::ACTION, Closed));
        }
        let (database, queue) = (Arc::clone(&self.database), Arc::clone(&self.queue));
        let corrected = self.runtime.spawn(async move { clock_jumps::correct(&database, &queue).await });
        match corrected.await {
            Ok(corrected) => corrected,
            Err(error) => Err(Error::store_unavailable(clock_jumps::ACTION, error)),
        }
    }
}

impl PostgresStore {
    async fn held_runs(&self) -> Result<(Vec<StoredRun>, DateTime<Utc>), Error> {
        Ok(held_runs(&self.read(READ_HELD, held_query).await?)?)
    }
}

impl PostgresStore {
    /// Reads the due instant of the only row, if any, and converts it from the database's clock to this machine's, by
    /// which the caller waits.
    pub(super) fn local_due(&self, rows: &[PgRow]) -> Result<Option<DateTime<Utc>>, Error> {
        let Some(row) = rows.first() else { return Ok(None) };
        let mut columns = Columns::new(row, "workflow_job_queue")?;
        let Some(due) = columns.maybe_instant("due")?.filter(|due| *due < instant::NEVER) else {
            return Ok(None);
        };
        let now = columns.instant("now")?;
        Ok(Some(self.here(due, now)))
    }

    /// Converts an instant from the database's clock, which shows `now`, to this machine's.
    fn here(&self, due: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        let here = if self.database.clock.is_some() { now } else { SystemClock.now() };
        due.checked_add_signed(here - now).unwrap_or(due)
    }
}

/// Leases as arguments, one array a column.
struct LeaseColumns {
    keys: KeyColumns,
    generations: Vec<i64>,
    epochs: Vec<i64>,
}

impl LeaseColumns {
    fn new(leases: &[Lease]) -> Self {
        Self {
            keys: KeyColumns::of(leases.iter().map(|lease| (lease.run_id, &lease.stage_key))),
            generations: leases.iter().map(|lease| i64::from(lease.generation)).collect(),
            epochs: leases.iter().map(|lease| number(lease.epoch)).collect(),
        }
    }

    fn bind(&self, query: PgQuery<'static>) -> PgQuery<'static> {
        self.keys.clone().bind(query).bind(self.generations.clone()).bind(self.epochs.clone())
    }
}

fn lease_of(row: &PgRow) -> Result<Lease, Failure> {
    let mut columns = Columns::new(row, "workflow_job_queue")?;
    Ok(Lease {
        run_id: columns.run_id()?,
        stage_key: columns.stage_key()?,
        generation: columns.int("generation")?,
        epoch: columns.int("lease_epoch")?,
    })
}
