//! Claiming under locks: jobs, and runs that nobody has started.

use sqlx::SqlStr;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::arrays::{PgQuery, number};
use super::columns::{self, Columns, run_row};
use super::database::Database;
use super::failure::Failure;
use super::load;
use super::statements::Statements;
use super::text::stored;
use super::transaction::Transaction;
use crate::ports::{ClaimRequest, ClaimedWork};
use crate::records::Claimant;
use crate::stores::candidates::{Candidate, Selection};
use crate::stores::fair_order::FairOrder;
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;

const DOING: &str = "claim jobs";

/// Due jobs of one definition, whoever has locked their runs, the most urgent first.
macro_rules! due_jobs {
    ($definition:literal, $limit:literal) => {
        concat!(
            "SELECT j.workflow_run_id, j.stage_id, j.generation, j.priority, j.run_at
            FROM {schema}.job_queue AS j JOIN {schema}.workflow_runs AS r ON r.id = j.workflow_run_id
            WHERE j.status = 'PENDING' AND j.definition_fingerprint = ",
            $definition,
            " AND j.run_at <= coalesce($2, statement_timestamp()) AND j.attempt < j.max_attempts
                AND r.status = 'RUNNING' AND r.generation = j.generation
            ORDER BY j.priority DESC, j.run_at, j.workflow_run_id, j.stage_id LIMIT ",
            $limit
        )
    };
}

/// Due checks of stages that wait, the longest overdue first. They have an index of their own, so that a hundred
/// thousand runs that wait cost a claim nothing.
macro_rules! due_checks {
    ($definition:literal, $limit:literal) => {
        concat!(
            "SELECT j.workflow_run_id, j.stage_id, j.generation, j.run_at
            FROM {schema}.job_queue AS j JOIN {schema}.workflow_runs AS r ON r.id = j.workflow_run_id
            WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = ",
            $definition,
            " AND j.run_at <= coalesce($2, statement_timestamp()) AND j.attempt < j.max_attempts
                AND r.status = 'RUNNING' AND r.generation = j.generation
            ORDER BY j.run_at, j.workflow_run_id, j.stage_id LIMIT ",
            $limit
        )
    };
}

/// Finds what waits, in the order of `JobTransport`; `$taken` says which of it is answered, as much as the limit $3 has
/// room for, and `$runs` how many runs are looked at that nobody has started.
///
/// Of each definition it reads the first few that could be taken, with some to spare for those that others have locked:
/// to number the turns while walking the indexes, PostgreSQL would read them to their ends. It answers the jobs,
/// the runs that nobody has started whose turn it is, and a last row: how much it has seen, how many of the rows are
/// runs, and the highest priority of what is left.
macro_rules! find_due {
    ($runs:literal, $taken:literal) => {
        concat!(
            "WITH waiting AS MATERIALIZED (
        SELECT w.*, d.place, row_number() OVER (
            PARTITION BY d.definition, w.priority ORDER BY w.is_new, w.since, w.run_id, w.stage_id) AS turn
        FROM unnest($1, $4) AS d (definition, place) CROSS JOIN LATERAL (
            SELECT j.*, false FROM (",
            due_jobs!("d.definition", "2 * $3 + 16"),
            ") AS j
            UNION ALL SELECT j.workflow_run_id, j.stage_id, j.generation, $6::int, j.run_at, false FROM (",
            due_checks!("d.definition", "2 * $3 + 16"),
            ") AS j
            UNION ALL SELECT r.* FROM (
                SELECT r.id, '', r.generation, r.priority, r.created_at, true
                FROM {schema}.workflow_runs AS r
                WHERE $5 AND r.status = 'PENDING' AND r.definition_fingerprint = d.definition
                ORDER BY r.priority DESC, r.created_at, r.id LIMIT ",
            $runs,
            "
            ) AS r
        ) AS w (run_id, stage_id, generation, priority, since, is_new)
    ),
    taken AS MATERIALIZED (",
            $taken,
            " LIMIT $3
    )
    SELECT run_id, ARRAY[stage_id], ARRAY[generation], ARRAY[]::timestamptz[] FROM taken WHERE NOT is_new
    UNION ALL
    (SELECT ",
    run_row!(),
    " FROM taken AS t JOIN {schema}.workflow_runs AS r ON r.id = t.run_id
    WHERE t.is_new ORDER BY t.priority DESC, t.turn, t.place, t.since, t.run_id)
    UNION ALL
    SELECT NULL, ARRAY[]::text[], ARRAY[
        (SELECT count(*) FROM waiting),
        (SELECT count(*) FROM taken WHERE is_new),
        (SELECT max(w.priority) FROM waiting AS w WHERE NOT EXISTS (
            SELECT FROM taken AS t WHERE t.run_id = w.run_id AND t.stage_id = w.stage_id))
    ], ARRAY[]::timestamptz[]"
        )
    };
}

/// Finds what waits, whoever has locked it; but no jobs of the runs $7.
pub(super) const FIND_DUE: &str = find_due!(
    "$3 + 1",
    "SELECT * FROM waiting WHERE is_new OR run_id <> ALL ($7)
        ORDER BY priority DESC, turn, place, since, run_id, stage_id"
);

/// Finds what waits, and locks those of its runs that nobody else has locked. It never waits, so the order of the locks
/// is free. The lock is a subquery of its own, for then it is done for one run after the other, and no more of them than
/// the limit asks for.
pub(super) const LOCK_DUE: &str = find_due!(
    "3 * $3 + 16",
    "SELECT j.* FROM (
            SELECT * FROM waiting ORDER BY priority DESC, turn, place, since, run_id, stage_id
        ) AS j CROSS JOIN LATERAL (
            SELECT FROM {schema}.workflow_runs AS r
            WHERE r.id = j.run_id AND r.generation = j.generation
                AND r.status = CASE WHEN j.is_new THEN 'PENDING' ELSE 'RUNNING' END
            FOR NO KEY UPDATE SKIP LOCKED
        ) AS locked"
);

/// Locks these runs, and waits for those that others have locked, in the order in which everybody locks.
pub(super) const WAIT_FOR_DUE: &str = "
    SELECT r.id FROM {schema}.workflow_runs AS r WHERE r.id = ANY($1) ORDER BY r.id FOR NO KEY UPDATE";

/// How many jobs one claims at most: beyond all that occurs, and little enough to be reckoned with.
const MOST: i64 = 1 << 20;

/// How much one waits for at most where all of it belongs to runs that others have locked.
const WAITED_FOR: usize = 16;

/// Claims jobs and starts runs. What somebody else has locked is passed over; only where there is nothing else does one
/// wait for it, so a claim that answers nothing has seen that there is nothing.
pub(super) async fn claim(
    transaction: &mut Transaction<'_>,
    work: &ClaimRequest,
    set: &mut WorkingSet,
) -> Result<ClaimedWork, Failure> {
    let query = find_query(transaction.database, work, |sql| &sql.lock_due);
    let mut found = Found::read(transaction.fetch(DOING, query).await?)?;
    if found.selection.is_empty() && found.seen > 0 {
        found = wait_for_due(transaction, work).await?;
    }
    if found.selection.is_empty() {
        return Ok(ClaimedWork {
            remaining_priority: found.selection.remaining_priority,
            ..ClaimedWork::default()
        });
    }
    // It was found before its runs were locked: it is read again.
    let mut footprint = Footprint::default();
    found.selection.extend_footprint(work, &mut footprint);
    let now = load::load(transaction, &footprint, set).await?;
    let taken = found.selection.claim(work, set, transaction.database.now(now));
    if taken.is_empty() {
        return Err(Failure::overtaken(DOING));
    }
    Ok(taken)
}

/// What [`FIND_DUE`] and [`LOCK_DUE`] say.
#[derive(Default)]
pub(super) struct Found {
    pub(super) selection: Selection,
    /// The `commits` of the runs that nobody has started, in their order.
    pub(super) commits: Vec<i64>,
    /// How much there was, what is locked or passed over included.
    pub(super) seen: u64,
}

impl Found {
    pub(super) fn read(mut rows: Vec<PgRow>) -> Result<Self, Failure> {
        let Some(summary) = rows.pop() else { return Ok(Self::default()) };
        let mut summary = Columns::new(&summary, "job_queue")?;
        let (seen, runs, left) = (summary.int("seen")?, summary.int("runs")?, summary.maybe_int("left")?);
        let runs = rows.split_off(rows.len().saturating_sub(runs));
        let jobs = rows.iter().map(candidate).collect::<Result<_, _>>()?;
        let runs = runs.iter().map(columns::counted_run).collect::<Result<Vec<_>, _>>()?;
        let (runs, commits) = runs.into_iter().unzip();
        Ok(Self { selection: Selection { jobs, runs, remaining_priority: left }, commits, seen })
    }
}

/// One of the two.
pub(super) fn find_query(
    database: &Database,
    work: &ClaimRequest,
    pick: impl FnOnce(&Statements) -> &SqlStr,
) -> PgQuery<'static> {
    let turns = FairOrder::new(&work.definitions, &work.recently_served);
    let places: Vec<i64> = turns.places().iter().map(|place| number(*place)).collect();
    let query = database.query(pick).bind(as_stored(&turns)).bind(database.given_now());
    query.bind(number(work.limit).min(MOST)).bind(places).bind(work.runs).bind(Claimant::DEFAULT_PRIORITY)
}

/// Waits for what others have locked, a little of it, and answers that.
async fn wait_for_due(transaction: &mut Transaction<'_>, work: &ClaimRequest) -> Result<Found, Failure> {
    let a_little = ClaimRequest { limit: work.limit.min(WAITED_FOR), ..work.clone() };
    let query = find_query(transaction.database, &a_little, |sql| &sql.find_due);
    let found = Found::read(transaction.fetch(DOING, query.bind(Vec::<Uuid>::new())).await?)?;
    let Selection { jobs, runs, .. } = &found.selection;
    let runs = jobs.iter().map(|job| job.run_id).chain(runs.iter().map(|run| run.id));
    let runs: Vec<Uuid> = runs.map(|run_id| *run_id.as_uuid()).collect();
    transaction.fetch(DOING, transaction.query(|sql| &sql.wait_for_due).bind(runs)).await?;
    Ok(found)
}

fn as_stored(turns: &FairOrder<'_>) -> Vec<String> {
    turns.definitions().iter().map(|definition| stored(definition).into_owned()).collect()
}

fn candidate(row: &PgRow) -> Result<Candidate, Failure> {
    let mut columns = Columns::new(row, "job_queue")?;
    Ok(Candidate {
        run_id: columns.run_id()?,
        stage_id: columns.text("stage_id")?,
        generation: columns.int("generation")?,
    })
}
