//! Implements the retention port: deletes terminal runs.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStore;
use super::arrays::microseconds;
use super::arrays::number;
use super::batch::Batch;
use super::columns::Columns;
use super::cost_hours::add;
use super::failure::Failure;
use crate::error::Error;
use crate::ports::{Purge, Retention};
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

/// Finds and locks terminal runs; runs with undelivered events are left, unless $3. It skips locked runs and so never
/// waits for a lock, which is why it may lock in another order than that of the ids.
const LOCK_TERMINAL: &str = "
    SELECT r.id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[] FROM {schema}.workflow_runs AS r
    WHERE r.completed_at <= coalesce($1, statement_timestamp()) - $2 * interval '1 microsecond' AND ($3 OR (
        NOT EXISTS (SELECT 1 FROM {schema}.workflow_commits AS c
            WHERE c.workflow_run_id = r.id AND c.published_at IS NULL)
        AND NOT EXISTS (SELECT 1 FROM {schema}.workflow_plugin_deliveries AS d
            WHERE d.workflow_run_id = r.id AND d.dlq_at IS NULL)))
    ORDER BY r.completed_at, r.id LIMIT $4 FOR UPDATE OF r SKIP LOCKED";

/// Locks a run that has ended. Unlike a purge it waits for the lock, after which the run may have been rerun.
const LOCK_ONE: &str = "
    SELECT r.id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[] FROM {schema}.workflow_runs AS r
    WHERE r.id = $1 AND r.completed_at IS NOT NULL FOR UPDATE OF r";

/// Deletes every row of these runs. Where blobs are stored outside of the database ($2), it remembers the runs until
/// those blobs are deleted, too: a blob that was deleted first could be missed by a rerun. The costs of the runs stay.
const PURGE: &str = concat!(
    "WITH stages AS (DELETE FROM {schema}.workflow_stage_rows WHERE workflow_run_id = ANY($1)),
    jobs AS (DELETE FROM {schema}.workflow_job_queue WHERE workflow_run_id = ANY($1)),
    commits AS (DELETE FROM {schema}.workflow_commits WHERE workflow_run_id = ANY($1)),
    deliveries AS (DELETE FROM {schema}.workflow_plugin_deliveries WHERE workflow_run_id = ANY($1)),
    keys AS (DELETE FROM {schema}.workflow_idempotency_keys WHERE workflow_run_id = ANY($1)),
    payloads AS (DELETE FROM {schema}.workflow_blobs WHERE workflow_run_id = ANY($1)),
    lines AS (DELETE FROM {schema}.workflow_logs WHERE workflow_run_id = ANY($1)),
    annotations AS (DELETE FROM {schema}.workflow_annotations WHERE workflow_run_id = ANY($1)),
    artifacts AS (DELETE FROM {schema}.workflow_artifacts WHERE workflow_run_id = ANY($1)),
    calls AS (DELETE FROM {schema}.workflow_ai_calls WHERE workflow_run_id = ANY($1) RETURNING *),
    hours AS (",
    add!("(SELECT * FROM calls WHERE NOT is_rolled_up) AS c"),
    "),
    signals AS (DELETE FROM {schema}.workflow_signals WHERE workflow_run_id = ANY($1)),
    tags AS (DELETE FROM {schema}.workflow_run_tags WHERE workflow_run_id = ANY($1)),
    runs AS (DELETE FROM {schema}.workflow_runs WHERE id = ANY($1) RETURNING id)
    INSERT INTO {schema}.workflow_purged_runs (id) SELECT id FROM runs WHERE $2"
);

/// Reads when the first run ended, and the database's time.
const OLDEST_END: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[r.completed_at, statement_timestamp()]
    FROM {schema}.workflow_runs AS r WHERE r.completed_at IS NOT NULL ORDER BY r.completed_at, r.id LIMIT 1";

const PURGED: &str = "
    SELECT p.id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[]
    FROM {schema}.workflow_purged_runs AS p ORDER BY p.id LIMIT $1";

const FORGET: &str = "DELETE FROM {schema}.workflow_purged_runs WHERE id = ANY($1)";

/// The largest age. No run is older, and the server would refuse an instant before its calendar.
const MAX_AGE: Duration = Duration::from_secs(1_000 * 366 * 86_400);

#[async_trait]
impl Retention for PostgresStore {
    async fn purge_runs(&self, purge: &Purge) -> Result<Vec<RunId>, Error> {
        self.write("purge runs", |batch, purge| Box::pin(purge_terminal(batch, purge)), *purge).await
    }

    async fn oldest_end(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let rows = self.read("read when a run ended", |database| database.query(OLDEST_END));
        self.local_due(&rows.await?)
    }

    async fn purged_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        let limit = number(limit);
        let rows = self.read("read purged runs", move |database| database.query(PURGED).bind(limit));
        Ok(ids(&rows.await?)?)
    }

    async fn forget_purged(&self, runs: Vec<RunId>) -> Result<(), Error> {
        if runs.is_empty() {
            return Ok(());
        }
        let runs = uuids(&runs);
        let forgotten =
            self.read("forget purged runs", move |database| database.query(FORGET).bind(runs.clone()));
        forgotten.await?;
        Ok(())
    }
}

/// Deletes terminal runs.
async fn purge_terminal(batch: &mut Batch, purge: &Purge) -> Result<Vec<RunId>, Failure> {
    const ACTION: &str = "purge runs";

    let transaction = &mut batch.transaction;
    let query = match purge.only {
        Some(run_id) => transaction.query(LOCK_ONE).bind(*run_id.as_uuid()),
        None => transaction
            .query(LOCK_TERMINAL)
            .bind(transaction.database.test_now())
            .bind(microseconds(purge.older_than.min(MAX_AGE)))
            .bind(purge.include_undelivered)
            .bind(number(purge.limit)),
    };
    let runs = ids(&transaction.fetch(ACTION, query).await?)?;
    if !runs.is_empty() {
        let query = transaction.query(PURGE).bind(uuids(&runs)).bind(purge.external_blobs);
        transaction.execute(ACTION, query).await?;
    }
    for run_id in &runs {
        batch.set.notifications.run_changed(*run_id);
    }
    Ok(runs)
}

fn uuids(runs: &[RunId]) -> Vec<Uuid> {
    runs.iter().map(|run_id| *run_id.as_uuid()).collect()
}

fn ids(rows: &[PgRow]) -> Result<Vec<RunId>, Failure> {
    rows.iter().map(|row| Columns::new(row, "workflow_runs")?.run_id()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that a purge misses would stay for ever.
    #[test]
    fn a_purge_deletes_from_every_table_that_names_a_run() {
        let migration = include_str!("../../../migrations/postgres/0001_initial.sql");
        let tables = migration.split("CREATE TABLE ").skip(1).map(|table| table.split(");").next().unwrap());
        let of_runs: Vec<&str> = tables.filter(|table| table.contains("workflow_run_id")).collect();
        assert!(of_runs.len() >= 9);
        for table in of_runs.iter().map(|table| table.split_whitespace().next().unwrap()) {
            let delete = format!("DELETE FROM {table} WHERE workflow_run_id = ANY($1)");
            assert!(PURGE.contains(&delete), "nothing of `{table}` is purged");
        }
    }
}
