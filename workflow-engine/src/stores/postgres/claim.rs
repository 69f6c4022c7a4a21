//! Claiming jobs.

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;

use super::arrays::{number, texts};
use super::columns::Columns;
use super::failure::Failure;
use super::load;
use super::transaction::Transaction;
use super::work::ClaimJobs;
use crate::records::ClaimedJob;
use crate::stores::claiming::{Candidate, take};
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;

const DOING: &str = "claim jobs";

/// Due jobs of the given definitions, the most urgent first; the tables are `j` and `r`, in the order of the index,
/// so that the statement stops at its limit.
macro_rules! due_jobs {
    () => {
        "SELECT j.workflow_run_id, j.stage_id, j.generation
        FROM {schema}.job_queue AS j JOIN {schema}.workflow_runs AS r ON r.id = j.workflow_run_id
        WHERE j.status = 'PENDING' AND j.run_at <= coalesce($2, statement_timestamp())
            AND j.attempt < j.max_attempts AND j.definition_fingerprint = ANY($1)
            AND r.status = 'RUNNING' AND r.generation = j.generation
        ORDER BY j.priority DESC, j.run_at, j.workflow_run_id, j.stage_id
        LIMIT $3"
    };
}

/// Due checks of stages that wait, the longest overdue first. They have an index of their own, so that a hundred
/// thousand runs that wait cost a claim nothing.
macro_rules! due_checks {
    () => {
        "SELECT j.workflow_run_id, j.stage_id, j.generation
        FROM {schema}.job_queue AS j JOIN {schema}.workflow_runs AS r ON r.id = j.workflow_run_id
        WHERE j.status = 'SUSPENDED' AND j.run_at <= coalesce($2, statement_timestamp())
            AND j.attempt < j.max_attempts AND j.definition_fingerprint = ANY($1)
            AND r.status = 'RUNNING' AND r.generation = j.generation
        ORDER BY j.run_at, j.workflow_run_id, j.stage_id
        LIMIT $3 - (SELECT count(*) FROM pending)"
    };
}

/// A candidate as [`candidates`] reads it.
macro_rules! candidate_row {
    () => {
        "workflow_run_id, ARRAY[stage_id], ARRAY[generation], ARRAY[]::timestamptz[]"
    };
}

/// Finds due jobs whose runs nobody has locked, and locks those. It never waits, so the order of the locks is free.
pub(super) const LOCK_DUE: &str = concat!(
    "WITH pending AS MATERIALIZED (",
    due_jobs!(),
    " FOR NO KEY UPDATE OF r SKIP LOCKED),
    checks AS MATERIALIZED (",
    due_checks!(),
    " FOR NO KEY UPDATE OF r SKIP LOCKED)
    SELECT ",
    candidate_row!(),
    " FROM pending UNION ALL SELECT ",
    candidate_row!(),
    " FROM checks"
);

/// Finds due jobs, whoever has locked their runs, and waits for those, in the order in which everybody locks.
pub(super) const WAIT_FOR_DUE: &str = concat!(
    "WITH pending AS MATERIALIZED (",
    due_jobs!(),
    "),
    checks AS MATERIALIZED (",
    due_checks!(),
    "),
    due AS MATERIALIZED (SELECT * FROM pending UNION ALL SELECT * FROM checks),
    locked AS MATERIALIZED (
        SELECT r.id FROM {schema}.workflow_runs AS r
        WHERE r.id = ANY(ARRAY(SELECT workflow_run_id FROM due)) ORDER BY r.id FOR NO KEY UPDATE
    )
    SELECT ",
    candidate_row!(),
    " FROM due WHERE (SELECT count(*) FROM locked) > 0"
);

/// How many jobs one waits for at most where all of them belong to runs that others have locked.
const WAITED_FOR: i64 = 16;

/// Claims jobs. Runs that somebody else has locked are passed over; only where there is nothing else does one wait
/// for them, so a claim that answers nothing has seen that there is nothing.
pub(super) async fn claim(
    transaction: &mut Transaction<'_>,
    claim: &ClaimJobs,
    set: &mut WorkingSet,
) -> Result<Vec<ClaimedJob>, Failure> {
    let limit = number(claim.max);
    let mut candidates = candidates(&due(transaction, claim, Locks::PassOver, limit).await?)?;
    if candidates.is_empty() {
        candidates =
            self::candidates(&due(transaction, claim, Locks::WaitFor, limit.min(WAITED_FOR)).await?)?;
    }
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    // The jobs were found before their runs were locked: they are read again.
    let mut footprint = Footprint::default();
    for candidate in &candidates {
        footprint.add_stage(candidate.run_id, candidate.stage_id.clone());
    }
    let now = load::load(transaction, &footprint, set).await?;
    candidates.retain(|candidate| {
        let rows = set.stage(candidate.run_id, &candidate.stage_id);
        rows.and_then(|rows| rows.job.get()).is_some_and(|job| job.attempt < job.max_attempts)
    });
    let now: DateTime<Utc> = transaction.database.now(now);
    let claimed = take(set, &claim.claim, candidates, now);
    if claimed.is_empty() { Err(Failure::overtaken(DOING)) } else { Ok(claimed) }
}

/// What to do about runs that others have locked.
#[derive(Clone, Copy)]
enum Locks {
    PassOver,
    WaitFor,
}

async fn due(
    transaction: &mut Transaction<'_>,
    claim: &ClaimJobs,
    locks: Locks,
    limit: i64,
) -> Result<Vec<PgRow>, Failure> {
    let query = transaction.query(|sql| match locks {
        Locks::PassOver => &sql.lock_due,
        Locks::WaitFor => &sql.wait_for_due,
    });
    let now = transaction.database.given_now();
    transaction.fetch(DOING, query.bind(texts(&claim.definitions)).bind(now).bind(limit)).await
}

fn candidates(rows: &[PgRow]) -> Result<Vec<Candidate>, Failure> {
    let candidate = |row| {
        let mut columns = Columns::new(row, "job_queue")?;
        Ok(Candidate {
            run_id: columns.run_id()?,
            stage_id: columns.text("stage_id")?,
            generation: columns.int("generation")?,
        })
    };
    rows.iter().map(candidate).collect()
}
