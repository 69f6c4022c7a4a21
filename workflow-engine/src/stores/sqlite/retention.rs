//! The store on SQLite as retention.

use std::iter;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteStore;
use super::arguments::count;
use super::batch::Batch;
use super::cells::ReadRow;
use super::columns::Columns;
use super::cost_hours::ADD_OF_RUNS;
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use super::transport::due;
use crate::error::Error;
use crate::ports::{Purge, Retention};
use crate::stores::instant;
use crate::stores::rows::{ReadColumns, RowList, WriteColumns};
use crate::value::RunId;

/// Whether a terminal run may be deleted.
macro_rules! is_purgeable {
    () => {
        "r.completed_at <= ?1 AND (?2 OR (
            NOT EXISTS (SELECT 1 FROM {prefix}commits AS c
                WHERE c.workflow_run_id = r.id AND c.published_at IS NULL)
            AND NOT EXISTS (SELECT 1 FROM {prefix}plugin_deliveries AS d
                WHERE d.workflow_run_id = r.id AND d.dlq_at IS NULL)))"
    };
}

const PURGEABLE: &str = concat!(
    "SELECT r.id FROM {prefix}runs AS r WHERE ",
    is_purgeable!(),
    " ORDER BY r.completed_at LIMIT ?3"
);

/// The named runs that may still be deleted.
const STILL_PURGEABLE: &str = concat!(
    "SELECT r.id FROM jsonb_each(?3) AS n CROSS JOIN {prefix}runs AS r ON r.id = n.value ->> 0 WHERE ",
    is_purgeable!()
);

/// One statement for every table that has rows of a run, the run itself last.
pub(super) const DELETES: &[&str] = &[
    "DELETE FROM {prefix}stage_rows WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}job_queue WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}commits WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}plugin_deliveries WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}idempotency_keys WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}blobs WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}logs WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}annotations WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}artifacts WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}ai_calls WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}signals WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}run_tags WHERE workflow_run_id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
    "DELETE FROM {prefix}runs WHERE id IN (SELECT value ->> 0 FROM jsonb_each(?1))",
];

const ADD_PURGED: &str = "INSERT INTO {prefix}purged_runs (id) SELECT value ->> 0 FROM jsonb_each(?1)";

const OLDEST_END: &str = "
    SELECT r.completed_at AS due FROM {prefix}runs AS r WHERE r.completed_at >= 0
    ORDER BY r.completed_at LIMIT 1";

/// Reads a whole small table: its rows are deleted soon.
const PURGED: &str = "SELECT id FROM {prefix}purged_runs LIMIT ?1";

const DELETE_PURGED: &str =
    "DELETE FROM {prefix}purged_runs WHERE id IN (SELECT value ->> 0 FROM jsonb_each(?1))";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[PURGEABLE, STILL_PURGEABLE, ADD_PURGED, OLDEST_END, DELETE_PURGED];

#[async_trait]
impl Retention for SqliteStore {
    async fn purge_runs(&self, purge: &Purge) -> Result<Vec<RunId>, Error> {
        const DOING: &str = "purge runs";

        if let Some(run_id) = purge.only {
            return self.write(DOING, purge_named, (*purge, vec![run_id])).await;
        }
        // A reader finds the candidates, so that the search does not block the writer. The writer checks these few again.
        let before = instant::before(instant::now(&*self.clock), purge.older_than).timestamp_micros();
        let query =
            self.query(PURGEABLE).bind(before).bind(purge.include_undelivered).bind(count(purge.limit));
        let runs = ids(&self.read(DOING, query).await?)?;
        if runs.is_empty() {
            return Ok(runs);
        }
        self.write(DOING, purge_named, (*purge, runs)).await
    }

    async fn oldest_end(&self) -> Result<Option<DateTime<Utc>>, Error> {
        due(&self.read("read when a run ended", self.query(OLDEST_END)).await?)
    }

    async fn purged_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        let rows = self.read("read purged runs", self.query(PURGED).bind(count(limit))).await?;
        Ok(ids(&rows)?)
    }

    async fn forget_purged(&self, runs: Vec<RunId>) -> Result<(), Error> {
        if runs.is_empty() {
            return Ok(());
        }
        let forget = |batch: &mut Batch, runs: &Vec<RunId>| forget(&batch.session, runs);
        self.write("forget purged runs", forget, runs).await
    }
}

/// Deletes those of the named runs that may still be deleted. A run may have been rerun in the meantime.
fn purge_named(batch: &mut Batch, (purge, runs): &(Purge, Vec<RunId>)) -> Result<Vec<RunId>, Failure> {
    const DOING: &str = "purge runs";

    let before = match purge.only {
        // Its end may lie in the future of a clock that was set back.
        Some(_) => DateTime::<Utc>::MAX_UTC,
        None => instant::before(batch.now, purge.older_than),
    };
    let rows = batch.session.fetch(DOING, STILL_PURGEABLE, |arguments| {
        arguments.instant(before).int(purge.include_undelivered).text(&named(runs));
    })?;
    let purged = ids(&rows)?;
    if purged.is_empty() {
        return Ok(purged);
    }
    let names = named(&purged);
    let add_purged = purge.external_blobs.then_some(ADD_PURGED);
    for sql in iter::once(ADD_OF_RUNS).chain(DELETES.iter().copied()).chain(add_purged) {
        batch.session.execute(DOING, sql, |arguments| {
            arguments.text(&names);
        })?;
    }
    for run_id in &purged {
        batch.set.notifications.run_changed(*run_id);
        batch.set.runs.remove(run_id);
        batch.row_cache.remove_run(*run_id);
    }
    Ok(purged)
}

/// Notes that the blobs of these runs are deleted.
fn forget(session: &Session, runs: &[RunId]) -> Result<(), Failure> {
    session.execute("forget purged runs", DELETE_PURGED, |arguments| {
        arguments.text(&named(runs));
    })
}

fn named(runs: &[RunId]) -> String {
    let mut rows = JsonRows::default();
    for run_id in runs {
        rows.push(|row| {
            row.run_id(*run_id);
        });
    }
    rows.finish()
}

fn ids<R>(rows: &[R]) -> Result<Vec<RunId>, Failure>
where
    for<'r> &'r R: Into<ReadRow<'r>>,
{
    rows.iter().map(|row| Columns::new(row, "workflow_runs", 0).run_id()).collect()
}
