//! Claiming jobs.

use chrono::{DateTime, Utc};
use sqlx::SqlStr;
use sqlx::postgres::PgRow;

use super::arrays::{PgQuery, number};
use super::columns::{self, Columns, run_row};
use super::database::Database;
use super::failure::Failure;
use super::load;
use super::statements::Statements;
use super::text::stored;
use super::transaction::Transaction;
use crate::ports::{ClaimedWork, WorkClaim};
use crate::records::{Claim, RunRecord};
use crate::stores::claiming::{Candidate, take};
use crate::stores::footprint::Footprint;
use crate::stores::turns::Turns;
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

/// The run of the job `j`, if that is due; to be locked. A subquery of its own, for then it is done for one job after
/// the other, and no more of them than the limit asks for.
macro_rules! locked_run {
    ($run:literal) => {
        concat!(
            "SELECT r.id FROM {schema}.workflow_runs AS r
            WHERE r.id = ",
            $run,
            " AND r.status = 'RUNNING' AND r.generation = j.generation"
        )
    };
}

/// A candidate as [`due`] reads it.
macro_rules! candidate_row {
    () => {
        "workflow_run_id, ARRAY[stage_id], ARRAY[generation], ARRAY[]::timestamptz[]"
    };
}

/// Finds what waits, in the order of `JobTransport`; `$taken` says which of it is answered, as much as the limit $3 has
/// room for.
///
/// Of each definition it reads the first few that could be taken, with some to spare for those that others have locked:
/// to number the turns while walking the indexes, PostgreSQL would read them to their ends. It answers the jobs,
/// the runs that nobody has started whose turn it is, and a last row: how many jobs it has seen, how many of the rows are
/// runs, and the highest priority of what is left.
macro_rules! find_due {
    ($($taken:tt)+) => {
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
                ORDER BY r.priority DESC, r.created_at, r.id LIMIT $3 + 1
            ) AS r
        ) AS w (run_id, stage_id, generation, priority, since, is_new)
    ),
    taken AS MATERIALIZED (",
            $($taken)+,
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
        (SELECT count(*) FROM waiting WHERE NOT is_new),
        (SELECT count(*) FROM taken WHERE is_new),
        (SELECT max(w.priority) FROM waiting AS w WHERE NOT EXISTS (
            SELECT FROM taken AS t WHERE t.run_id = w.run_id AND t.stage_id = w.stage_id))
    ], ARRAY[]::timestamptz[]"
        )
    };
}

/// Finds what waits, whoever has locked it; but not of the runs $7.
pub(super) const FIND_DUE: &str = find_due!(
    "SELECT * FROM waiting WHERE run_id <> ALL ($7)
        ORDER BY priority DESC, turn, place, since, run_id, stage_id"
);

/// Finds what waits, and locks the runs of due jobs that nobody else has locked. It never waits, so the order of the
/// locks is free.
pub(super) const LOCK_DUE: &str = find_due!(concat!(
    "SELECT j.* FROM (
            SELECT * FROM waiting ORDER BY priority DESC, turn, place, since, run_id, stage_id
        ) AS j CROSS JOIN LATERAL (
            SELECT j.run_id WHERE j.is_new UNION ALL SELECT locked.id FROM (",
    locked_run!("j.run_id"),
    " AND NOT j.is_new FOR NO KEY UPDATE SKIP LOCKED) AS locked
        ) AS locked"
));

/// Finds due jobs, whoever has locked their runs, and waits for those, in the order in which everybody locks.
pub(super) const WAIT_FOR_DUE: &str = concat!(
    "WITH pending AS MATERIALIZED (
        SELECT j.* FROM unnest($1) AS d (definition) CROSS JOIN LATERAL (",
    due_jobs!("d.definition", "$3"),
    ") AS j ORDER BY j.priority DESC, j.run_at, j.workflow_run_id, j.stage_id LIMIT $3
    ),
    checks AS MATERIALIZED (
        SELECT j.* FROM unnest($1) AS d (definition) CROSS JOIN LATERAL (",
    due_checks!("d.definition", "$3"),
    ") AS j ORDER BY j.run_at, j.workflow_run_id, j.stage_id LIMIT $3 - (SELECT count(*) FROM pending)
    ),
    due AS MATERIALIZED (
        SELECT workflow_run_id, stage_id, generation FROM pending
        UNION ALL SELECT workflow_run_id, stage_id, generation FROM checks
    ),
    locked AS MATERIALIZED (
        SELECT r.id FROM {schema}.workflow_runs AS r
        WHERE r.id = ANY(ARRAY(SELECT workflow_run_id FROM due)) ORDER BY r.id FOR NO KEY UPDATE
    )
    SELECT ",
    candidate_row!(),
    " FROM due WHERE (SELECT count(*) FROM locked) > 0"
);

/// How many jobs one claims at most: beyond all that occurs, and little enough to be reckoned with.
const MOST: i64 = 1 << 20;

/// How many jobs one waits for at most where all of them belong to runs that others have locked.
const WAITED_FOR: i64 = 16;

/// Claims jobs. Runs that somebody else has locked are passed over; only where there is nothing else does one wait
/// for them, so a claim that answers nothing has seen that there is nothing.
pub(super) async fn claim(
    transaction: &mut Transaction<'_>,
    work: &WorkClaim,
    set: &mut WorkingSet,
) -> Result<ClaimedWork, Failure> {
    let query = find_query(transaction.database, work, |sql| &sql.lock_due);
    let Found { mut candidates, seen, runs, left } = Found::read(transaction.fetch(DOING, query).await?)?;
    if candidates.is_empty() && runs.is_empty() && seen > 0 {
        candidates = wait_for_due(transaction, work).await?;
    }
    if candidates.is_empty() {
        return Ok(ClaimedWork { jobs: Vec::new(), runs, left });
    }
    // The jobs were found before their runs were locked: they are read again.
    let mut footprint = Footprint::default();
    for candidate in &candidates {
        footprint.add_stage(candidate.run_id, candidate.stage_id.clone());
    }
    let now = load::load(transaction, &footprint, set).await?;
    let now: DateTime<Utc> = transaction.database.now(now);
    let jobs = take(set, &work.claim, candidates, now);
    if jobs.is_empty() && runs.is_empty() {
        return Err(Failure::overtaken(DOING));
    }
    Ok(ClaimedWork { jobs, runs, left })
}

/// What [`FIND_DUE`] and [`LOCK_DUE`] say.
#[derive(Default)]
pub(super) struct Found {
    pub(super) candidates: Vec<Candidate>,
    /// How many jobs there were, those that are locked or passed over included.
    pub(super) seen: u64,
    pub(super) runs: Vec<RunRecord>,
    pub(super) left: Option<i32>,
}

impl Found {
    pub(super) fn read(mut rows: Vec<PgRow>) -> Result<Self, Failure> {
        let Some(summary) = rows.pop() else { return Ok(Self::default()) };
        let mut summary = Columns::new(&summary, "job_queue")?;
        let (seen, runs, left) = (summary.int("seen")?, summary.int("runs")?, summary.maybe_int("left")?);
        let runs = rows.split_off(rows.len().saturating_sub(runs));
        Ok(Self {
            candidates: rows.iter().map(candidate).collect::<Result<_, _>>()?,
            seen,
            runs: runs.iter().map(columns::run).collect::<Result<_, _>>()?,
            left,
        })
    }
}

/// One of the two.
pub(super) fn find_query(
    database: &Database,
    work: &WorkClaim,
    pick: impl FnOnce(&Statements) -> &SqlStr,
) -> PgQuery<'static> {
    let turns = Turns::new(&work.definitions, &work.served);
    let places: Vec<i64> = turns.places().iter().map(|place| number(*place)).collect();
    let query = database.query(pick).bind(as_stored(&turns)).bind(database.given_now());
    query.bind(number(work.max).min(MOST)).bind(places).bind(work.runs).bind(Claim::USUAL_PRIORITY)
}

async fn wait_for_due(
    transaction: &mut Transaction<'_>,
    work: &WorkClaim,
) -> Result<Vec<Candidate>, Failure> {
    let definitions = as_stored(&Turns::new(&work.definitions, &[]));
    let query = transaction.query(|sql| &sql.wait_for_due).bind(definitions);
    let query = query.bind(transaction.database.given_now()).bind(number(work.max).min(WAITED_FOR));
    transaction.fetch(DOING, query).await?.iter().map(candidate).collect()
}

fn as_stored(turns: &Turns<'_>) -> Vec<String> {
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
