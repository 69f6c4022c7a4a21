//! The store on PostgreSQL as the keeper of starts and deadlines.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::PostgresStore;
use super::arrays::{distinct_texts, number};
use super::columns::{self, Columns};
use crate::error::Error;
use crate::ports::Timers;
use crate::records::RunRecord;
use crate::stores::rows::{ReadColumns, run_columns};
use crate::value::RunId;

/// Reads each definition's range of the index only up to the limit.
const DUE_RUNS: &str = concat!(
    "SELECT t.id, t.texts, t.numbers, t.instants FROM unnest($1) AS d (definition) CROSS JOIN LATERAL (
        SELECT ",
    run_columns!(array_row),
    ", r.due_at
        FROM {schema}.workflow_runs AS r
        WHERE r.status = 'PENDING' AND r.due_at IS NOT NULL AND r.definition_fingerprint = d.definition
            AND r.due_at <= coalesce($2, statement_timestamp())
        ORDER BY r.due_at, r.id LIMIT $3
    ) AS t (id, texts, numbers, instants, due_at) ORDER BY t.due_at, t.id LIMIT $3"
);

const OVERDUE_RUNS: &str = "
    SELECT r.id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[] FROM {schema}.workflow_runs AS r
    WHERE r.completed_at IS NULL AND r.deadline_at IS NOT NULL
        AND r.deadline_at <= coalesce($1, statement_timestamp())
    ORDER BY r.deadline_at, r.id LIMIT $2";

const NEXT_TIMER: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[min(due), statement_timestamp()] FROM (
        SELECT (SELECT r.due_at FROM {schema}.workflow_runs AS r
                WHERE r.status = 'PENDING' AND r.due_at IS NOT NULL AND r.definition_fingerprint = d.definition
                ORDER BY r.due_at, r.id LIMIT 1) AS due
        FROM unnest($1) AS d (definition)
        UNION ALL
        SELECT (SELECT r.deadline_at FROM {schema}.workflow_runs AS r
                WHERE r.completed_at IS NULL AND r.deadline_at IS NOT NULL
                ORDER BY r.deadline_at, r.id LIMIT 1)
    ) AS timers";

#[async_trait]
impl Timers for PostgresStore {
    async fn due_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        let (definitions, limit) = (distinct_texts(definitions), number(limit));
        let rows = self.read("read runs that are due", move |database| {
            database.query(DUE_RUNS).bind(definitions.clone()).bind(database.test_now()).bind(limit)
        });
        let runs: Vec<RunRecord> = columns::records(&rows.await?)?;
        if self.database.test_now().is_none() {
            self.database.clock_estimate.reach(runs.iter().filter_map(|run| run.times.due_at).max());
        }
        Ok(runs)
    }

    async fn overdue_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        let rows = self.read("read runs over their deadline", move |database| {
            database.query(OVERDUE_RUNS).bind(database.test_now()).bind(number(limit))
        });
        rows.await?.iter().map(|row| Ok(Columns::new(row, "workflow_runs")?.run_id()?)).collect()
    }

    async fn next_timer(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        let definitions = distinct_texts(definitions);
        let rows = self.read("read the next start or deadline", move |database| {
            database.query(NEXT_TIMER).bind(definitions.clone())
        });
        self.local_due(&rows.await?)
    }
}
