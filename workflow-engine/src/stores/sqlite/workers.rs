//! The workers that have registered.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::SqliteStore;
use super::arguments::count;
use super::batch::Batch;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::ports::RegisteredWorker;
use crate::records::{NewWorker, WorkerLeases};
use crate::stores::rows::{ReadColumns, WriteColumns};
use crate::stores::workers::{self, MAX_LEASES, RETENTION_DAYS};

const ADD: &str = "
    INSERT INTO {prefix}workers (id, host, process, version, concurrency, definitions, started_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING number";

const FORGET: &str = "DELETE FROM {prefix}workers WHERE drained_at < ?1";

const DRAIN: &str = "UPDATE {prefix}workers SET drained_at = ?2 WHERE number = ?1";

const WORKERS: &str = "
    SELECT id, host, process, version, definitions, number, concurrency, started_at, drained_at FROM {prefix}workers
    WHERE number < ?1 ORDER BY number DESC LIMIT ?2";

const IDS: &str = "
    SELECT w.id, w.number FROM json_each(?1) AS n CROSS JOIN {prefix}workers AS w ON w.number = n.value";

/// A stage that the owner of its run holds has no row: it is an entry of its run.
const LEASES: &str = "
    SELECT worker_id, count(*) AS leases, max(leased_until) AS leased_until FROM (
        SELECT * FROM (
            SELECT worker_id, leased_until FROM {prefix}job_queue WHERE status = 'RUNNING' LIMIT ?1
        )
        UNION ALL SELECT * FROM (
            SELECT r.owner, (e.value ->> 1) + (e.value ->> 2)
            FROM {prefix}runs AS r INDEXED BY {prefix}runs_held CROSS JOIN json_each(r.held) AS e
            WHERE r.owner IS NOT NULL AND json_array_length(e.value) > 2 LIMIT ?1
        )
    )
    WHERE worker_id IS NOT NULL GROUP BY worker_id ORDER BY worker_id";

/// The statements of this file, for the test of their query plans, except for the one that forgets old workers: a table
/// of few rows, read once in the life of a worker.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[ADD, DRAIN, WORKERS, IDS, LEASES];

/// Adds a worker, and deletes those that drained long ago.
fn add(batch: &mut Batch, worker: &NewWorker) -> Result<u32, Failure> {
    const DOING: &str = "register a worker";

    let now = batch.now;
    let before = now - TimeDelta::days(RETENTION_DAYS);
    batch.session.execute(DOING, FORGET, |arguments| {
        arguments.instant(before);
    })?;
    let definitions = workers::names(&worker.definitions);
    let rows = batch.session.fetch(DOING, ADD, |arguments| {
        arguments.text(&worker.id).text(&worker.host).text(&worker.process).text(&worker.version);
        arguments.int(worker.concurrency).text(&definitions).instant(now);
    })?;
    let mut columns = rows.first().map(|row| Columns::new(row, "workflow_workers", 0));
    let missing = || Failure::unreadable("workflow_workers", "number", "(unknown)", "the row is missing");
    columns.as_mut().ok_or_else(missing)?.int("number")
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "the signature of the writer's functions")]
fn drain(batch: &mut Batch, number: &u32) -> Result<(), Failure> {
    let now = batch.now;
    batch.session.execute("note the end of a worker", DRAIN, |arguments| {
        arguments.int(*number).instant(now);
    })
}

impl SqliteStore {
    pub(super) async fn add_worker(&self, worker: NewWorker) -> Result<u32, Error> {
        self.write("register a worker", add, worker).await
    }

    pub(super) async fn note_drained(&self, number: u32) -> Result<(), Error> {
        self.write("note the end of a worker", drain, number).await
    }

    pub(super) async fn read_workers(
        &self,
        before: Option<u32>,
        limit: usize,
    ) -> Result<Vec<RegisteredWorker>, Error> {
        let before = before.map_or(i64::MAX, i64::from);
        let query = self.query(WORKERS).bind(before).bind(count(limit));
        let rows = self.inspect("read the workers", query).await?;
        // Whether a process runs is not the store's knowledge.
        let read = |row| workers::read(&mut Columns::new(row, "workflow_workers", 0), None);
        Ok(rows.iter().map(read).collect::<Result<_, Failure>>()?)
    }

    pub(super) async fn read_worker_ids(&self, numbers: &[u32]) -> Result<HashMap<u32, String>, Error> {
        // Numbers always have a JSON form.
        let query = self.query(IDS).bind(serde_json::to_string(numbers).unwrap_or_default());
        let rows = self.inspect("read the ids of workers", query).await?;
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_workers", 0);
            let id = columns.text("id")?;
            Ok((columns.int("number")?, id))
        };
        Ok(rows.iter().map(read).collect::<Result<_, Failure>>()?)
    }

    pub(super) async fn read_leases(&self) -> Result<Vec<WorkerLeases>, Error> {
        let rows = self.inspect("count leases", self.query(LEASES).bind(count(MAX_LEASES))).await?;
        let read = |row| {
            let mut columns = Columns::new(row, "workflow_job_queue", 0);
            let (id, leases) = (columns.text("worker_id")?, columns.int("leases")?);
            Ok(WorkerLeases::new(id, leases, columns.instant("leased_until")?))
        };
        Ok(rows.iter().map(read).collect::<Result<_, Failure>>()?)
    }
}
