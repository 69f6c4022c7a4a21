//! The store on SQLite as the keeper of starts and deadlines.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::SqliteStore;
use super::arguments::count;
use super::columns::{Columns, json_records, json_row};
use super::definition_queries::{self, per_definition};
use crate::error::Error;
use crate::ports::Timers;
use crate::records::RunRecord;
use crate::stores::instant;
use crate::stores::rows::{ReadColumns, run_columns};
use crate::value::RunId;

/// The runs of one definition that are due.
macro_rules! due_runs {
    ($definition:literal) => {
        concat!(
            "SELECT * FROM (SELECT ",
            json_row!(run_columns),
            " FROM {prefix}runs AS r
            WHERE r.status = 'PENDING' AND r.due_at IS NOT NULL AND r.definition_fingerprint = ",
            $definition,
            " AND r.due_at <= ?9 ORDER BY r.due_at LIMIT ?10)"
        )
    };
}

const DUE_RUNS: &str = per_definition!(due_runs, "");

const OVERDUE_RUNS: &str = "
    SELECT r.id FROM {prefix}runs AS r
    WHERE r.completed_at IS NULL AND r.deadline_at IS NOT NULL AND r.deadline_at <= ?1
    ORDER BY r.deadline_at LIMIT ?2";

const NEXT_TIMER: &str = "
    SELECT min(due) AS due FROM (
        SELECT (SELECT r.due_at FROM {prefix}runs AS r
                WHERE r.status = 'PENDING' AND r.due_at IS NOT NULL AND r.definition_fingerprint = d.value
                ORDER BY r.due_at LIMIT 1) AS due
        FROM jsonb_each(?1) AS d
        UNION ALL
        SELECT (SELECT r.deadline_at FROM {prefix}runs AS r
                WHERE r.completed_at IS NULL AND r.deadline_at IS NOT NULL
                ORDER BY r.deadline_at LIMIT 1)
    )";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[DUE_RUNS, OVERDUE_RUNS, NEXT_TIMER];

#[async_trait]
impl Timers for SqliteStore {
    async fn due_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        let now = instant::now(&*self.clock).timestamp_micros();
        let mut due: Vec<RunRecord> = Vec::new();
        for query in definition_queries::queries(self, DUE_RUNS, definitions) {
            let rows = self.read("read runs that are due", query.bind(now).bind(count(limit))).await?;
            due.extend(json_records(&rows)?);
        }
        let place = |run: &RunRecord| (run.times.due_at, run.id);
        Ok(definition_queries::merge(due, limit, |a, b| place(a).cmp(&place(b))))
    }

    async fn overdue_runs(&self, limit: usize) -> Result<Vec<RunId>, Error> {
        let now = instant::now(&*self.clock).timestamp_micros();
        let query = self.query(OVERDUE_RUNS).bind(now).bind(count(limit));
        let rows = self.read("read runs over their deadline", query).await?;
        rows.iter().map(|row| Ok(Columns::new(row, "workflow_runs", 0).run_id()?)).collect()
    }

    async fn next_timer(&self, definitions: &[String]) -> Result<Option<DateTime<Utc>>, Error> {
        // An array of texts always has a JSON form.
        let names = serde_json::to_string(definitions).unwrap_or_default();
        let rows = self.read("read the next start or deadline", self.query(NEXT_TIMER).bind(names)).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let next = Columns::new(row, "workflow_runs", 0).maybe_instant("due")?;
        Ok(next.filter(|next| *next < instant::NEVER))
    }
}
