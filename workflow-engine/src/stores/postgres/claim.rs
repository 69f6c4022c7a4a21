//! Claims under locks: jobs that are due, and pending runs, which the claim starts.
//!
//! Jobs, due checks and pending runs are one queue, in the order of `JobTransport::claim_work`: by priority, and at the
//! same priority the definitions take turns. The indexes of waiting work begin with the definition, so a claim reads
//! the first rows of each definition's range and never walks past work that only other workers can claim.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::arrays::{PgQuery, number};
use super::columns::{self, Columns};
use super::database::Database;
use super::failure::Failure;
use super::text::stored;
use super::transaction::Transaction;
use crate::ports::ClaimRequest;
use crate::records::Claimant;
use crate::stores::candidates::{Candidate, Selection};
use crate::stores::fair_order::FairOrder;
use crate::stores::rows::{ReadColumns, run_columns};

const ACTION: &str = "claim jobs";

/// Selects due jobs of one definition, the most urgent first; locks do not matter. It finds each occurring priority
/// through the index, and of each only the jobs that are due, so a hundred thousand jobs that wait for their instant cost
/// a claim nothing. Without an `ORDER BY` over the priorities, which would read the first jobs of all of them: the join
/// follows their order, and the statement stops at its limit.
macro_rules! due_jobs {
    ($definition:literal, $limit:literal) => {
        concat!(
            "WITH RECURSIVE priorities (priority) AS (
                SELECT (SELECT q.priority FROM {schema}.workflow_job_queue AS q
                    WHERE q.status = 'PENDING' AND q.definition_fingerprint = ",
            $definition,
            "       ORDER BY q.priority DESC LIMIT 1)
                UNION ALL
                SELECT (SELECT q.priority FROM {schema}.workflow_job_queue AS q
                    WHERE q.status = 'PENDING' AND q.definition_fingerprint = ",
            $definition,
            "       AND q.priority < p.priority ORDER BY q.priority DESC LIMIT 1)
                FROM priorities AS p WHERE p.priority IS NOT NULL
            )
            SELECT due.* FROM priorities AS p CROSS JOIN LATERAL (
                SELECT j.workflow_run_id, j.stage_id, j.place, j.generation, j.priority, j.run_at
                FROM {schema}.workflow_job_queue AS j JOIN {schema}.workflow_runs AS r ON r.id = j.workflow_run_id
                WHERE j.status = 'PENDING' AND j.definition_fingerprint = ",
            $definition,
            " AND j.priority = p.priority
                    AND j.run_at <= coalesce($2, statement_timestamp()) AND j.attempt < j.max_attempts
                    AND r.status = 'RUNNING' AND r.generation = j.generation
                ORDER BY j.run_at, j.workflow_run_id, j.stage_id, j.place LIMIT ",
            $limit,
            ") AS due WHERE p.priority IS NOT NULL LIMIT ",
            $limit
        )
    };
}

/// Selects due checks of suspended stages, the longest overdue first. They have a separate index, so a hundred thousand
/// waiting runs cost a claim nothing.
macro_rules! due_checks {
    ($definition:literal, $limit:literal) => {
        concat!(
            "SELECT j.workflow_run_id, j.stage_id, j.place, j.generation, j.run_at
            FROM {schema}.workflow_job_queue AS j JOIN {schema}.workflow_runs AS r ON r.id = j.workflow_run_id
            WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = ",
            $definition,
            " AND j.run_at <= coalesce($2, statement_timestamp()) AND j.attempt < j.max_attempts
                AND r.status = 'RUNNING' AND r.generation = j.generation
            ORDER BY j.run_at, j.workflow_run_id, j.stage_id, j.place LIMIT ",
            $limit
        )
    };
}

/// Finds due work in the order of the queue. `$taken` selects the rows to return, up to the limit $3; `$runs` limits
/// the pending runs that are read of each definition.
///
/// It reads the first rows of each definition, some more than the limit for those that others have locked; numbering
/// the turns over whole indexes would make PostgreSQL read them to their ends. It returns the jobs, then the pending
/// runs, then a summary row: how many rows it has read, how many of the returned rows are runs, the highest
/// priority of the remaining work, and the time.
macro_rules! find_due {
    ($runs:literal, $taken:literal) => {
        concat!(
            "WITH waiting AS MATERIALIZED (
        SELECT w.*, d.position, row_number() OVER (
            PARTITION BY d.definition, w.priority ORDER BY w.is_new, w.since, w.run_id, w.stage_id, w.place) AS turn
        FROM unnest($1, $4) AS d (definition, position) CROSS JOIN LATERAL (
            SELECT j.*, false FROM (",
            due_jobs!("d.definition", "2 * $3 + 16"),
            ") AS j
            UNION ALL SELECT j.workflow_run_id, j.stage_id, j.place, j.generation, $6::int, j.run_at, false FROM (",
            due_checks!("d.definition", "2 * $3 + 16"),
            ") AS j
            UNION ALL SELECT r.* FROM (
                SELECT r.id, '', '', r.generation, r.priority, r.created_at, true
                FROM {schema}.workflow_runs AS r
                WHERE $5 AND r.status = 'PENDING' AND r.due_at IS NULL
                    AND r.definition_fingerprint = d.definition
                ORDER BY r.priority DESC, r.created_at, r.id LIMIT ",
            $runs,
            "
            ) AS r
        ) AS w (run_id, stage_id, place, generation, priority, since, is_new)
    ),
    taken AS MATERIALIZED (",
            $taken,
            " LIMIT $3
    )
    SELECT run_id, ARRAY[stage_id, place], ARRAY[generation], ARRAY[]::timestamptz[] FROM taken WHERE NOT is_new
    UNION ALL
    (SELECT ",
    run_columns!(array_row, commits),
    " FROM taken AS t JOIN {schema}.workflow_runs AS r ON r.id = t.run_id
    WHERE t.is_new ORDER BY t.priority DESC, t.turn, t.position, t.since, t.run_id)
    UNION ALL
    SELECT NULL, ARRAY[]::text[], ARRAY[
        (SELECT count(*) FROM waiting),
        (SELECT count(*) FROM taken WHERE is_new),
        (SELECT max(w.priority) FROM waiting AS w WHERE NOT EXISTS (
            SELECT FROM taken AS t WHERE t.run_id = w.run_id AND t.stage_id = w.stage_id AND t.place = w.place))
    ], ARRAY[statement_timestamp()]"
        )
    };
}

/// Finds due work without regard to locks, but no jobs of the runs $7.
pub(super) const FIND_DUE: &str = find_due!(
    "$3 + 1",
    "SELECT * FROM waiting WHERE is_new OR run_id <> ALL ($7)
        ORDER BY priority DESC, turn, position, since, run_id, stage_id, place"
);

/// Finds due work and locks its runs, skipping those that others have locked. It never waits for a lock, so it may lock
/// in another order than that of the ids. The lock is in a lateral subquery, so that PostgreSQL locks one run after the
/// other, and not more than the limit requires.
const LOCK_DUE: &str = find_due!(
    "3 * $3 + 16",
    "SELECT j.* FROM (
            SELECT * FROM waiting ORDER BY priority DESC, turn, position, since, run_id, stage_id, place
        ) AS j CROSS JOIN LATERAL (
            SELECT FROM {schema}.workflow_runs AS r
            WHERE r.id = j.run_id AND r.generation = j.generation
                AND r.status = CASE WHEN j.is_new THEN 'PENDING' ELSE 'RUNNING' END
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS locked"
);

/// Locks these runs and waits for those that others have locked, in the order in which every transaction locks.
const LOCK_RUNS: &str = "
    SELECT r.id FROM {schema}.workflow_runs AS r WHERE r.id = ANY($1) ORDER BY r.id FOR NO KEY UPDATE";

/// The largest limit of a claim: more than any caller needs, and small enough for the arithmetic of the statement.
const MAX_LIMIT: i64 = 1 << 20;

/// The most rows to wait for, where others have locked the runs of all due work.
const MAX_AWAITED: usize = 16;

/// Finds and locks due work. It skips runs that others have locked, and waits for their locks only where there is no
/// other work; so an empty result means that no work is due.
pub(super) async fn select(transaction: &mut Transaction, work: &ClaimRequest) -> Result<Selection, Failure> {
    let query = find_query(&transaction.database, work, LOCK_DUE);
    let found = DueWork::read(transaction.fetch(ACTION, query).await?)?;
    if found.selection.is_empty() && found.total > 0 {
        return lock_due_work(transaction, work).await;
    }
    Ok(found.selection)
}

/// The result of [`FIND_DUE`] and [`LOCK_DUE`].
#[derive(Default)]
pub(super) struct DueWork {
    pub(super) selection: Selection,
    /// The `commits` of the pending runs in `selection`, in the same order.
    pub(super) commits: Vec<i64>,
    /// How many rows were read, including locked and skipped ones.
    pub(super) total: u64,
    /// The server's time at which the work was due.
    pub(super) now: Option<DateTime<Utc>>,
}

impl DueWork {
    pub(super) fn read(mut rows: Vec<PgRow>) -> Result<Self, Failure> {
        let Some(summary) = rows.pop() else { return Ok(Self::default()) };
        let mut summary = Columns::new(&summary, "workflow_job_queue")?;
        let (total, runs, left) = (summary.int("total")?, summary.int("runs")?, summary.maybe_int("left")?);
        let now = Some(summary.instant("now")?);
        let runs = rows.split_off(rows.len().saturating_sub(runs));
        let jobs = rows.iter().map(candidate).collect::<Result<_, _>>()?;
        let runs = runs.iter().map(columns::run_with_commits).collect::<Result<Vec<_>, _>>()?;
        let (runs, commits) = runs.into_iter().map(|(stored, commits)| (stored.run, commits)).unzip();
        Ok(Self { selection: Selection { jobs, runs, remaining_priority: left }, commits, total, now })
    }
}

/// Returns [`FIND_DUE`] or [`LOCK_DUE`] with its common arguments.
pub(super) fn find_query(database: &Database, work: &ClaimRequest, text: &'static str) -> PgQuery<'static> {
    let order = FairOrder::new(&work.definitions, &work.recently_served);
    let positions: Vec<i64> = order.places().iter().map(|position| number(*position)).collect();
    let definitions: Vec<String> =
        order.definitions().iter().map(|definition| stored(definition).into_owned()).collect();
    let query = database.query(text).bind(definitions).bind(database.test_now());
    query
        .bind(number(work.limit).min(MAX_LIMIT))
        .bind(positions)
        .bind(work.runs)
        .bind(Claimant::DEFAULT_PRIORITY)
}

/// Waits for the locks of a few due rows, and returns those rows.
async fn lock_due_work(transaction: &mut Transaction, work: &ClaimRequest) -> Result<Selection, Failure> {
    let limited = ClaimRequest { limit: work.limit.min(MAX_AWAITED), ..work.clone() };
    let query = find_query(&transaction.database, &limited, FIND_DUE);
    let found = DueWork::read(transaction.fetch(ACTION, query.bind(Vec::<Uuid>::new())).await?)?;
    let Selection { jobs, runs, .. } = &found.selection;
    let runs = jobs.iter().map(|job| job.run_id).chain(runs.iter().map(|run| run.id));
    let runs: Vec<Uuid> = runs.map(|run_id| *run_id.as_uuid()).collect();
    transaction.fetch(ACTION, transaction.query(LOCK_RUNS).bind(runs)).await?;
    Ok(found.selection)
}

fn candidate(row: &PgRow) -> Result<Candidate, Failure> {
    let mut columns = Columns::new(row, "workflow_job_queue")?;
    Ok(Candidate {
        run_id: columns.run_id()?,
        stage_key: columns.stage_key()?,
        generation: columns.int("generation")?,
    })
}
