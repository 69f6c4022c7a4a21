//! Implements the inspection port: lists of runs.
//!
//! An inspection is a read-only transaction with a time limit of its own, and at most two run at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStore;
use super::arrays::{PgQuery, number};
use super::columns::{self, Columns};
use super::database::Database;
use super::text::stored;
use crate::error::Error;
use crate::ports::{
    CostQuery, ExpensiveRuns, ExpensiveRunsQuery, Inspection, LogFilter, RunCount, RunFilter, RunPage,
    RunQuery,
};
use crate::records::{
    AnnotationRecord, CostGroup, CostSummary, LogRecord, QueueOverview, StageEnd, Status, UnfinishedCosts,
    WorkerLeases,
};
use crate::stores::Closed;
use crate::stores::instant;
use crate::stores::rows::{ReadColumns, run_columns};
use crate::stores::run_search::{self, ReadSlices, Slice, SliceOutput, Source};
use crate::value::RunId;

/// The conditions of a filter on the run `r`.
macro_rules! is_match {
    () => {
        "($4::text[] IS NULL OR r.status = ANY($4)) AND ($5::text IS NULL OR r.workflow_id = $5)
        AND ($6::text IS NULL OR r.definition_fingerprint = $6) AND ($7::text IS NULL OR r.error_code = $7)
        AND ($8::timestamptz IS NULL OR r.created_at >= $8)
        AND ($9::timestamptz IS NULL OR r.created_at < $9)
        AND ($10::text[] IS NULL OR NOT EXISTS (SELECT 1 FROM unnest($10, $11) AS w (key, value)
            WHERE NOT EXISTS (SELECT 1 FROM {schema}.workflow_run_tags AS o
                WHERE o.workflow_run_id = r.id AND o.key = w.key AND o.value = w.value)))
        AND ($12::uuid IS NULL OR r.parent_run_id = $12)"
    };
}

/// A slice whose candidates are in `c`, each with the instant of its creation and whether it matches: the matching runs,
/// at most $3, then one row about the candidates, which has no texts. `coalesce` makes the conditions two-valued.
macro_rules! slice {
    ($($candidates:expr),*) => {
        concat!(
            "WITH ", $($candidates,)* "
            (SELECT ", run_columns!(array_row), " FROM c JOIN {schema}.workflow_runs AS r ON r.id = c.id
                WHERE c.is_match ORDER BY c.id DESC LIMIT $3)
            UNION ALL (SELECT (SELECT l.id FROM c AS l ORDER BY l.id LIMIT 1), ARRAY[]::text[],
                ARRAY[count(*), count(*) FILTER (WHERE c.is_match)],
                ARRAY[(SELECT l.created_at FROM c AS l ORDER BY l.id LIMIT 1)] FROM c)"
        )
    };
}

const SLICE_OF_ALL: &str = slice!(
    "c AS MATERIALIZED (SELECT r.id, r.created_at, coalesce((",
    is_match!(),
    "), false) AS is_match FROM {schema}.workflow_runs AS r WHERE r.id < $1 ORDER BY r.id DESC LIMIT $2)"
);

/// The index has the ids of the unfinished runs, which are few, in another order.
const SLICE_OF_UNFINISHED: &str = slice!(
    "u AS MATERIALIZED (SELECT n.id FROM {schema}.workflow_runs AS n WHERE n.completed_at IS NULL),
    c AS MATERIALIZED (SELECT r.id, r.created_at, coalesce((",
    is_match!(),
    "), false) AS is_match FROM (SELECT u.id FROM u WHERE u.id < $1 ORDER BY u.id DESC LIMIT $2) AS f
        JOIN {schema}.workflow_runs AS r ON r.id = f.id)"
);

/// An arm for each of the statuses that is asked for: $13, $14.
const SLICE_OF_ENDED: &str = slice!(
    "u AS MATERIALIZED (
        (SELECT n.id FROM {schema}.workflow_runs AS n
            WHERE $13::bool AND n.status IN ('FAILED', 'CANCELLED') AND n.status = 'FAILED' AND n.id < $1
            ORDER BY n.id DESC LIMIT $2)
        UNION ALL
        (SELECT n.id FROM {schema}.workflow_runs AS n
            WHERE $14::bool AND n.status IN ('FAILED', 'CANCELLED') AND n.status = 'CANCELLED' AND n.id < $1
            ORDER BY n.id DESC LIMIT $2)
        ORDER BY id DESC LIMIT $2),
    c AS MATERIALIZED (SELECT r.id, r.created_at, coalesce((",
    is_match!(),
    "), false) AS is_match FROM u JOIN {schema}.workflow_runs AS r ON r.id = u.id)"
);

/// The order of the optional index `by-workflow`, without which this statement is not used.
const SLICE_OF_WORKFLOW: &str = slice!(
    "c AS MATERIALIZED (SELECT r.id, r.created_at, coalesce((",
    is_match!(),
    "), false) AS is_match FROM {schema}.workflow_runs AS r
        WHERE r.workflow_id = $5 AND r.id < $1 ORDER BY r.workflow_id DESC, r.id DESC LIMIT $2)"
);

const SLICE_OF_TAGGED: &str = slice!(
    "u AS MATERIALIZED (SELECT t.workflow_run_id AS id FROM {schema}.workflow_run_tags AS t
        WHERE t.key = $13 AND t.value = $14 AND t.workflow_run_id < $1
        ORDER BY t.workflow_run_id DESC LIMIT $2),
    c AS MATERIALIZED (SELECT r.id, r.created_at, coalesce((",
    is_match!(),
    "), false) AS is_match FROM u JOIN {schema}.workflow_runs AS r ON r.id = u.id)"
);

const SLICE_OF_CHILDREN: &str = slice!(
    "u AS MATERIALIZED (SELECT n.id FROM {schema}.workflow_runs AS n
        WHERE n.parent_run_id = $13 AND n.id < $1 ORDER BY n.id DESC LIMIT $2),
    c AS MATERIALIZED (SELECT r.id, r.created_at, coalesce((",
    is_match!(),
    "), false) AS is_match FROM u JOIN {schema}.workflow_runs AS r ON r.id = u.id)"
);

const COUNT_UNFINISHED: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[count(*)], ARRAY[]::timestamptz[]
    FROM (SELECT 1 FROM {schema}.workflow_runs AS r WHERE r.completed_at IS NULL LIMIT $1) AS u";

const COUNT_TAGGED: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[count(*)], ARRAY[]::timestamptz[]
    FROM (SELECT 1 FROM {schema}.workflow_run_tags AS t WHERE t.key = $1 AND t.value = $2 LIMIT $3) AS u";

/// Ends a statement that runs for longer, however long the transactions of the engine may take.
const LIMITS: &str = "; SET TRANSACTION READ ONLY; SET LOCAL statement_timeout = '2s'";

#[async_trait]
impl Inspection for PostgresStore {
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
        self.read_stage_ends(run_ids).await
    }

    async fn count_stages(
        &self,
        run_ids: Vec<RunId>,
        statuses: &[Status],
    ) -> Result<BTreeMap<RunId, u32>, Error> {
        self.read_stage_counts(run_ids, statuses).await
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
impl ReadSlices for PostgresStore {
    async fn slice(&self, slice: Slice<'_>) -> Result<SliceOutput, Error> {
        let arguments = SliceArguments::of(slice);
        let source = OwnedSource::of(slice.source);
        let rows = self.inspect("list runs", move |database| match &source {
            OwnedSource::All => arguments.bind(database.query(SLICE_OF_ALL)),
            OwnedSource::Unfinished => arguments.bind(database.query(SLICE_OF_UNFINISHED)),
            OwnedSource::Ended { failed, cancelled } => {
                arguments.bind(database.query(SLICE_OF_ENDED)).bind(*failed).bind(*cancelled)
            }
            OwnedSource::Children { parent } => {
                arguments.bind(database.query(SLICE_OF_CHILDREN)).bind(*parent)
            }
            OwnedSource::OfWorkflow => arguments.bind(database.query(SLICE_OF_WORKFLOW)),
            OwnedSource::Tagged { key, value } => {
                arguments.bind(database.query(SLICE_OF_TAGGED)).bind(key.clone()).bind(value.clone())
            }
        });
        let rows = rows.await?;
        let Some((end, runs)) = rows.split_last() else { return Ok(SliceOutput::default()) };
        let mut end = Columns::new(end, "workflow_runs")?;
        let (candidates, matches) = (end.int("count")?, end.int("count")?);
        let last =
            end.maybe_instant("created_at")?.and_then(|created_at| Some((end.run_id().ok()?, created_at)));
        let runs = columns::records(runs)?;
        Ok(SliceOutput { runs, last, candidates, matches })
    }

    async fn count_unfinished(&self, limit: usize) -> Result<usize, Error> {
        let limit = number(limit);
        let query = move |database: &Database| database.query(COUNT_UNFINISHED).bind(limit);
        counted(&self.inspect("count unfinished runs", query).await?)
    }

    async fn has_workflow_index(&self) -> Result<bool, Error> {
        Ok(self.by_workflow().await? == Some(true))
    }

    async fn count_tagged(&self, key: &str, value: &str, limit: usize) -> Result<usize, Error> {
        let (key, value, limit) = (stored(key).into_owned(), stored(value).into_owned(), number(limit));
        let query = move |database: &Database| {
            database.query(COUNT_TAGGED).bind(key.clone()).bind(value.clone()).bind(limit)
        };
        counted(&self.inspect("count tagged runs", query).await?)
    }
}

fn counted(rows: &[PgRow]) -> Result<usize, Error> {
    let count = |row| Columns::new(row, "workflow_runs")?.int("count");
    Ok(rows.first().map(count).transpose()?.unwrap_or_default())
}

/// A source that the store's own threads may keep.
enum OwnedSource {
    All,
    Unfinished,
    Ended { failed: bool, cancelled: bool },
    Children { parent: Uuid },
    OfWorkflow,
    Tagged { key: String, value: String },
}

impl OwnedSource {
    fn of(source: Source<'_>) -> Self {
        match source {
            Source::All => Self::All,
            Source::Unfinished => Self::Unfinished,
            Source::Ended { failed, cancelled } => Self::Ended { failed, cancelled },
            Source::Children { parent } => Self::Children { parent: *parent.as_uuid() },
            Source::OfWorkflow => Self::OfWorkflow,
            Source::Tagged { key, value } => {
                Self::Tagged { key: stored(key).into_owned(), value: stored(value).into_owned() }
            }
        }
    }
}

/// The arguments of a slice and its filter: $1 to $12.
struct SliceArguments {
    after: Uuid,
    candidates: i64,
    limit: i64,
    filter: RunFilter,
}

impl SliceArguments {
    fn of(slice: Slice<'_>) -> Self {
        let after = slice.after.map_or(Uuid::max(), |run_id| *run_id.as_uuid());
        let (candidates, limit) = (number(slice.candidates), number(slice.limit));
        Self { after, candidates, limit, filter: slice.filter.clone() }
    }

    fn bind(&self, query: PgQuery<'static>) -> PgQuery<'static> {
        let filter = &self.filter;
        let text = |text: &Option<String>| text.as_deref().map(|text| stored(text).into_owned());
        let statuses: Vec<String> = filter.statuses.iter().map(|status| status.as_str().to_owned()).collect();
        let (keys, values): (Vec<String>, Vec<String>) = filter
            .tags
            .iter()
            .map(|(key, value)| (stored(key).into_owned(), stored(value).into_owned()))
            .unzip();
        query
            .bind(self.after)
            .bind(self.candidates)
            .bind(self.limit)
            .bind((!statuses.is_empty()).then_some(statuses))
            .bind(text(&filter.workflow_id))
            .bind(text(&filter.definition))
            .bind(text(&filter.error_code))
            .bind(filter.created_since.map(instant::rounded_up))
            .bind(filter.created_before.map(instant::rounded_up))
            .bind((!keys.is_empty()).then_some(keys))
            .bind((!values.is_empty()).then_some(values))
            .bind(filter.parent.map(|parent| *parent.as_uuid()))
    }
}

impl PostgresStore {
    /// Runs one statement as an inspection, on the store's own threads and to its end even if the caller stops waiting.
    pub(super) async fn inspect(
        &self,
        action: &'static str,
        make: impl Fn(&Database) -> PgQuery<'static> + Send + Sync + 'static,
    ) -> Result<Vec<PgRow>, Error> {
        if self.stop.is_cancelled() {
            return Err(Error::store_unavailable(action, Closed));
        }
        let database = Arc::clone(&self.database);
        let inspected = self.runtime.spawn(async move {
            database.fetch_with(&database.inspectors, Some(LIMITS), action, make).await
        });
        match inspected.await {
            Ok(rows) => Ok(rows?),
            Err(error) => Err(Error::store_unavailable(action, error)),
        }
    }
}
