//! The workers that have registered.

use std::collections::HashMap;

use super::PostgresStore;
use super::arrays::number;
use super::columns::Columns;
use super::failure::Failure;
use super::text::stored;
use crate::error::Error;
use crate::ports::RegisteredWorker;
use crate::records::{NewWorker, WorkerLeases};
use crate::stores::rows::ReadColumns;
use crate::stores::workers::{self, MAX_LEASES, RETENTION_DAYS};

/// Adds a worker, and deletes those that drained long ago. A repeated statement finds the first one's row.
const ADD: &str = "
    WITH forgotten AS (DELETE FROM {schema}.workflow_workers AS o
        WHERE o.drained_at < coalesce($9, statement_timestamp()) - $8 * interval '1 day')
    INSERT INTO {schema}.workflow_workers AS w
        (id, host, process, version, concurrency, definitions, session, started_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($9, statement_timestamp()))
    ON CONFLICT (process) DO UPDATE SET session = excluded.session
    RETURNING NULL::uuid, ARRAY[]::text[], ARRAY[w.number], ARRAY[]::timestamptz[]";

const DRAIN: &str = "
    UPDATE {schema}.workflow_workers SET drained_at = coalesce($2, statement_timestamp()) WHERE number = $1";

/// A process that listens has a session with the name that its workers have stored.
const WORKERS: &str = "
    WITH a AS MATERIALIZED (SELECT DISTINCT s.application_name FROM pg_stat_activity AS s
        WHERE s.datname = current_database())
    SELECT NULL::uuid, ARRAY[w.id, w.host, w.process, w.version, w.definitions],
        ARRAY[w.number, w.concurrency, CASE WHEN w.session IS NOT NULL
            THEN (EXISTS (SELECT 1 FROM a WHERE a.application_name = w.session))::int END],
        ARRAY[w.started_at, w.drained_at]
    FROM {schema}.workflow_workers AS w WHERE w.number < $1 ORDER BY w.number DESC LIMIT $2";

const IDS: &str = "
    SELECT NULL::uuid, ARRAY[w.id], ARRAY[w.number], ARRAY[]::timestamptz[]
    FROM {schema}.workflow_workers AS w WHERE w.number = ANY($1)";

/// A stage that the owner of its run holds has no row: it is an entry of its run.
const LEASES: &str = "
    SELECT NULL::uuid, ARRAY[l.worker_id], ARRAY[count(*)], ARRAY[max(l.leased_until)] FROM (
        (SELECT j.worker_id, j.leased_until FROM {schema}.workflow_job_queue AS j WHERE j.status = 'RUNNING' LIMIT $1)
        UNION ALL (SELECT r.owner, timestamptz 'epoch'
                + ((e.entry ->> 1)::bigint + (e.entry ->> 2)::bigint) * interval '1 microsecond'
            FROM {schema}.workflow_runs AS r CROSS JOIN LATERAL json_array_elements(r.held::json) AS e (entry)
            WHERE r.owner IS NOT NULL AND json_array_length(e.entry) > 2 LIMIT $1)
    ) AS l
    WHERE l.worker_id IS NOT NULL GROUP BY l.worker_id ORDER BY l.worker_id";

impl PostgresStore {
    pub(super) async fn add_worker(&self, worker: NewWorker) -> Result<u32, Error> {
        const ACTION: &str = "register a worker";

        // A session that is shared receives no notifications, so there is no listener.
        let session = (!self.database.sessions.are_shared()).then(|| self.session.clone());
        let rows = self.read(ACTION, move |database| {
            let text = |text: &str| stored(text).into_owned();
            let query = database.query(ADD).bind(text(&worker.id)).bind(text(&worker.host));
            let query = query.bind(text(&worker.process)).bind(text(&worker.version));
            let query = query.bind(i64::from(worker.concurrency)).bind(workers::names(&worker.definitions));
            query.bind(session.clone()).bind(RETENTION_DAYS).bind(database.test_now())
        });
        let rows = rows.await?;
        let missing = || Failure::unreadable("workflow_workers", "number", "(unknown)", "the row is missing");
        let row = rows.first().ok_or_else(missing)?;
        Ok(Columns::new(row, "workflow_workers")?.int("number")?)
    }

    pub(super) async fn note_drained(&self, worker: u32) -> Result<(), Error> {
        let drained = self.read("note the end of a worker", move |database| {
            database.query(DRAIN).bind(i64::from(worker)).bind(database.test_now())
        });
        drained.await.map(drop)
    }

    pub(super) async fn read_workers(
        &self,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<RegisteredWorker>, Error> {
        let (before, limit) = (before.map_or(i64::MAX, i64::from), number(limit));
        let rows = self
            .inspect("read the workers", move |database| database.query(WORKERS).bind(before).bind(limit));
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_workers")?;
            let mut worker = workers::read(&mut columns, None)?;
            worker.is_connected = columns.maybe_number("session")?.map(|connected| connected != 0);
            Ok(worker)
        };
        Ok(rows.await?.iter().map(read).collect::<Result<_, Failure>>()?)
    }

    pub(super) async fn read_worker_ids(&self, numbers: &[u32]) -> Result<HashMap<u32, String>, Error> {
        let numbers: Vec<i64> = numbers.iter().map(|number| i64::from(*number)).collect();
        let rows = self
            .inspect("read the ids of workers", move |database| database.query(IDS).bind(numbers.clone()));
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_workers")?;
            Ok((columns.int("number")?, columns.text("id")?))
        };
        Ok(rows.await?.iter().map(read).collect::<Result<_, Failure>>()?)
    }

    pub(super) async fn read_leases(&self) -> Result<Vec<WorkerLeases>, Error> {
        let rows =
            self.inspect("count leases", move |database| database.query(LEASES).bind(number(MAX_LEASES)));
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_job_queue")?;
            let (id, leases) = (columns.text("worker_id")?, columns.int("leases")?);
            Ok(WorkerLeases::new(id, leases, columns.instant("leased_until")?))
        };
        Ok(rows.await?.iter().map(read).collect::<Result<_, Failure>>()?)
    }
}
