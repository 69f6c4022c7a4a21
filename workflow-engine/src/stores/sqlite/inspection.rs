//! The store on SQLite as inspection.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteRow};

use super::SqliteStore;
use super::arguments::count;
use super::columns::{Columns, json_records, json_row};
use super::failure::Failure;
use crate::error::Error;
use crate::ports::{
    CostQuery, ExpensiveRuns, ExpensiveRunsQuery, Inspection, LogFilter, RunCount, RunFilter, RunPage,
    RunQuery,
};
use crate::records::{
    AnnotationRecord, CostGroup, CostSummary, LogRecord, QueueOverview, StageEnd, Status, UnfinishedCosts,
    WorkerLeases,
};
use crate::stores::instant;
use crate::stores::rows::{ReadColumns, run_columns};
use crate::stores::run_search::{self, ReadSlices, Slice, SliceOutput, Source};
use crate::value::RunId;

/// The conditions of a filter on the run `r`.
macro_rules! is_match {
    () => {
        "(?4 IS NULL OR instr(?4, r.status) > 0) AND (?5 IS NULL OR r.workflow_id = ?5)
        AND (?6 IS NULL OR r.definition_fingerprint = ?6) AND (?7 IS NULL OR r.error_code = ?7)
        AND (?8 IS NULL OR r.created_at >= ?8) AND (?9 IS NULL OR r.created_at < ?9)
        AND (?10 IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(?10) AS w WHERE NOT EXISTS (
            SELECT 1 FROM {prefix}run_tags AS o
            WHERE o.workflow_run_id = r.id AND o.key = w.value ->> 0 AND o.value = w.value ->> 1)))
        AND (?11 IS NULL OR r.parent_run_id = ?11)"
    };
}

/// A slice whose candidates are in `c`, each with the instant of its creation and whether it matches: the matching runs,
/// at most ?3, then one row about the candidates.
macro_rules! slice {
    ($($candidates:expr),*) => {
        concat!(
            "WITH ", $($candidates,)* "
            SELECT * FROM (SELECT ", json_row!(run_columns), " AS run, NULL AS last, NULL AS created_at, NULL AS candidates,
                NULL AS matches FROM c CROSS JOIN {prefix}runs AS r ON r.id = c.id
            WHERE c.is_match ORDER BY c.id DESC LIMIT ?3)
            UNION ALL SELECT NULL, min(c.id), c.created_at, count(*), coalesce(sum(c.is_match), 0) FROM c"
        )
    };
}

const SLICE_OF_ALL: &str = slice!(
    "c AS MATERIALIZED (SELECT r.id AS id, r.created_at AS created_at, (",
    is_match!(),
    ") AS is_match FROM {prefix}runs AS r WHERE r.id < ?1 ORDER BY r.id DESC LIMIT ?2)"
);

/// The index has the ids of the unfinished runs, which are few, in another order.
const SLICE_OF_UNFINISHED: &str = slice!(
    "u AS MATERIALIZED (SELECT n.id AS id FROM {prefix}runs AS n INDEXED BY {prefix}runs_unfinished
        WHERE n.completed_at IS NULL AND n.id < ?1 ORDER BY n.id DESC LIMIT ?2),
    c AS MATERIALIZED (SELECT r.id AS id, r.created_at AS created_at, (",
    is_match!(),
    ") AS is_match FROM u CROSS JOIN {prefix}runs AS r ON r.id = u.id)"
);

/// An arm for each of the statuses that is asked for: ?12, ?13.
const SLICE_OF_ENDED: &str = slice!(
    "u AS MATERIALIZED (
        SELECT * FROM (SELECT n.id AS id FROM {prefix}runs AS n
            WHERE ?12 AND n.status IN ('FAILED', 'CANCELLED') AND n.status = 'FAILED' AND n.id < ?1
            ORDER BY n.id DESC LIMIT ?2)
        UNION ALL
        SELECT * FROM (SELECT n.id AS id FROM {prefix}runs AS n
            WHERE ?13 AND n.status IN ('FAILED', 'CANCELLED') AND n.status = 'CANCELLED' AND n.id < ?1
            ORDER BY n.id DESC LIMIT ?2)
        ORDER BY id DESC LIMIT ?2),
    c AS MATERIALIZED (SELECT r.id AS id, r.created_at AS created_at, (",
    is_match!(),
    ") AS is_match FROM u CROSS JOIN {prefix}runs AS r ON r.id = u.id)"
);

/// The order of the optional index `by-workflow`, without which this statement is not used.
const SLICE_OF_WORKFLOW: &str = slice!(
    "c AS MATERIALIZED (SELECT r.id AS id, r.created_at AS created_at, (",
    is_match!(),
    ") AS is_match FROM {prefix}runs AS r WHERE r.workflow_id = ?5 AND r.id < ?1 ORDER BY r.id DESC LIMIT ?2)"
);

const SLICE_OF_TAGGED: &str = slice!(
    "c AS MATERIALIZED (SELECT r.id AS id, r.created_at AS created_at, (",
    is_match!(),
    ") AS is_match FROM {prefix}run_tags AS t CROSS JOIN {prefix}runs AS r ON r.id = t.workflow_run_id
    WHERE t.key = ?12 AND t.value = ?13 AND t.workflow_run_id < ?1 ORDER BY t.workflow_run_id DESC LIMIT ?2)"
);

const SLICE_OF_CHILDREN: &str = slice!(
    "c AS MATERIALIZED (SELECT r.id AS id, r.created_at AS created_at, (",
    is_match!(),
    ") AS is_match FROM {prefix}runs AS r INDEXED BY {prefix}runs_children
    WHERE r.parent_run_id = ?12 AND r.id < ?1 ORDER BY r.id DESC LIMIT ?2)"
);

const COUNT_UNFINISHED: &str = "
    SELECT count(*) FROM (
        SELECT 1 FROM {prefix}runs AS r INDEXED BY {prefix}runs_unfinished WHERE r.completed_at IS NULL LIMIT ?1)";

const COUNT_TAGGED: &str = "
    SELECT count(*) FROM (SELECT 1 FROM {prefix}run_tags AS t WHERE t.key = ?1 AND t.value = ?2 LIMIT ?3)";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    SLICE_OF_ALL,
    SLICE_OF_UNFINISHED,
    SLICE_OF_ENDED,
    SLICE_OF_TAGGED,
    SLICE_OF_CHILDREN,
    COUNT_UNFINISHED,
    COUNT_TAGGED,
    SLICE_OF_WORKFLOW,
];

#[async_trait]
impl Inspection for SqliteStore {
    async fn list_runs(&self, query: &RunQuery) -> Result<RunPage, Error> {
        run_search::list(self, query).await
    }

    async fn count_runs(&self, filter: &RunFilter, cap: u64, time: Duration) -> Result<RunCount, Error> {
        run_search::count(self, filter, cap, time).await
    }

    async fn list_logs(
        &self,
        run_id: RunId,
        filter: &LogFilter,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<LogRecord>, Error> {
        self.read_logs(run_id, filter, after, limit).await
    }

    async fn queue(&self) -> Result<QueueOverview, Error> {
        self.read_queue().await
    }

    async fn worker_leases(&self) -> Result<Vec<WorkerLeases>, Error> {
        self.read_leases().await
    }

    async fn stage_ends(&self, run_ids: Vec<RunId>) -> Result<Vec<StageEnd>, Error> {
        self.read_stage_ends(&run_ids).await
    }

    async fn count_stages(
        &self,
        run_ids: Vec<RunId>,
        statuses: &[Status],
    ) -> Result<BTreeMap<RunId, u32>, Error> {
        self.read_stage_counts(&run_ids, statuses).await
    }

    async fn expensive_runs(&self, query: &ExpensiveRunsQuery) -> Result<ExpensiveRuns, Error> {
        self.read_expensive_runs(query).await
    }

    async fn list_actions(&self, before: Option<u64>, limit: usize) -> Result<Vec<AnnotationRecord>, Error> {
        self.read_actions(before, limit).await
    }

    async fn tags(&self, run_id: RunId) -> Result<BTreeMap<String, String>, Error> {
        self.read_tags(run_id).await
    }

    async fn run_of_key(&self, key: &str) -> Result<Option<RunId>, Error> {
        self.read_run_of_key(key).await
    }

    async fn costs(&self, query: &CostQuery) -> Result<Vec<CostGroup>, Error> {
        self.read_costs(query).await
    }

    async fn costs_of_descendants(&self, run_id: RunId) -> Result<CostSummary, Error> {
        self.read_costs_of_descendants(run_id).await
    }

    async fn calls_to_roll_up(&self, limit: usize) -> Result<usize, Error> {
        self.count_calls_to_roll_up(limit).await
    }

    async fn unfinished_costs(&self) -> Result<UnfinishedCosts, Error> {
        self.read_unfinished_costs().await
    }
}

#[async_trait]
impl ReadSlices for SqliteStore {
    async fn slice(&self, slice: Slice<'_>) -> Result<SliceOutput, Error> {
        let query = match slice.source {
            Source::All => bind(self.query(SLICE_OF_ALL), slice),
            Source::Unfinished => bind(self.query(SLICE_OF_UNFINISHED), slice),
            Source::Ended { failed, cancelled } => {
                bind(self.query(SLICE_OF_ENDED), slice).bind(failed).bind(cancelled)
            }
            Source::Children { parent } => {
                bind(self.query(SLICE_OF_CHILDREN), slice).bind(parent.to_string())
            }
            Source::OfWorkflow => bind(self.query(SLICE_OF_WORKFLOW), slice),
            Source::Tagged { key, value } => {
                bind(self.query(SLICE_OF_TAGGED), slice).bind(key.to_owned()).bind(value.to_owned())
            }
        };
        let rows = self.inspect("list runs", query).await?;
        let Some((end, runs)) = rows.split_last() else { return Ok(SliceOutput::default()) };
        let mut columns = Columns::new(end, "workflow_runs", 1);
        let last = columns.maybe_text("id")?.map(|id| id.parse::<RunId>()).transpose()?;
        let created_at = columns.maybe_instant("created_at")?;
        Ok(SliceOutput {
            runs: json_records(runs)?,
            last: last.zip(created_at),
            candidates: columns.int("count")?,
            matches: columns.int("count")?,
        })
    }

    async fn count_unfinished(&self, limit: usize) -> Result<usize, Error> {
        self.count("count unfinished runs", self.query(COUNT_UNFINISHED).bind(count(limit))).await
    }

    async fn has_workflow_index(&self) -> Result<bool, Error> {
        self.has_by_workflow().await
    }

    async fn count_tagged(&self, key: &str, value: &str, limit: usize) -> Result<usize, Error> {
        let query = self.query(COUNT_TAGGED).bind(key.to_owned()).bind(value.to_owned()).bind(count(limit));
        self.count("count tagged runs", query).await
    }
}

impl SqliteStore {
    /// Runs one statement on a connection for inspections, and returns its rows. It sees one committed state.
    pub(super) async fn inspect(
        &self,
        doing: &'static str,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, Error> {
        if self.is_file_changed.load(Ordering::Relaxed) {
            self.files.check()?;
        }
        Ok(query.fetch_all(&self.inspectors).await.map_err(|error| Failure::database(doing, error))?)
    }

    pub(super) async fn count(
        &self,
        doing: &'static str,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<usize, Error> {
        let rows = self.inspect(doing, query).await?;
        let count = rows.first().map(|row| row.try_get::<i64, _>(0)).transpose();
        let count = count.map_err(|error| Failure::database(doing, error))?;
        Ok(usize::try_from(count.unwrap_or_default()).unwrap_or_default())
    }
}

/// Binds a slice and its filter: ?1 to ?11.
fn bind<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    slice: Slice<'_>,
) -> Query<'q, Sqlite, SqliteArguments> {
    let RunFilter {
        statuses, workflow_id, tags, created_since, created_before, definition, error_code, ..
    } = slice.filter;
    // `g` is greater than every id.
    let after = slice.after.map_or_else(|| "g".to_owned(), |run_id| run_id.to_string());
    let names = statuses.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(",");
    let micros = |at: &Option<DateTime<Utc>>| at.map(|at| instant::rounded_up(at).timestamp_micros());
    // Pairs of texts always have a JSON form.
    let tags = (!tags.is_empty())
        .then(|| serde_json::to_string(&tags.iter().collect::<Vec<_>>()).unwrap_or_default());
    query
        .bind(after)
        .bind(count(slice.candidates))
        .bind(count(slice.limit))
        .bind((!names.is_empty()).then_some(names))
        .bind(workflow_id.clone())
        .bind(definition.clone())
        .bind(error_code.clone())
        .bind(micros(created_since))
        .bind(micros(created_before))
        .bind(tags)
        .bind(slice.filter.parent.map(|parent| parent.to_string()))
}
