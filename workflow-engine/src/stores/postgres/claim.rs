//! Claiming jobs.

use chrono::{DateTime, Utc};

use super::arrays::number;
use super::columns::Columns;
use super::failure::Failure;
use super::load;
use super::of_definitions::{ARMS, distinct, of_definitions};
use super::transaction::Transaction;
use super::work::ClaimJobs;
use crate::records::ClaimedJob;
use crate::stores::claiming::{Candidate, take};
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

/// What may be due jobs of one definition, in the order of the index.
macro_rules! jobs_arm {
    ($number:literal) => {
        concat!(
            "SELECT q.workflow_run_id, q.stage_id, q.generation, q.priority, q.run_at
            FROM {schema}.job_queue AS q
            WHERE q.status = 'PENDING' AND q.definition_fingerprint = ($1)[",
            $number,
            "] AND q.run_at <= coalesce($2, statement_timestamp()) AND q.attempt < q.max_attempts
            ORDER BY q.priority DESC, q.run_at, q.workflow_run_id, q.stage_id"
        )
    };
}

/// What may be due checks of one definition, in the order of the index.
macro_rules! checks_arm {
    ($number:literal) => {
        concat!(
            "SELECT q.workflow_run_id, q.stage_id, q.generation, q.run_at
            FROM {schema}.job_queue AS q
            WHERE q.status = 'SUSPENDED' AND q.definition_fingerprint = ($1)[",
            $number,
            "] AND q.run_at <= coalesce($2, statement_timestamp()) AND q.attempt < q.max_attempts
            ORDER BY q.run_at, q.workflow_run_id, q.stage_id"
        )
    };
}

/// Locks the run of the job `j`, if that is due and nobody else has locked it. A subquery of its own, for then it is
/// done for one job after the other, and no more of them than the limit asks for.
macro_rules! locked_run {
    () => {
        "SELECT r.id FROM {schema}.workflow_runs AS r
        WHERE r.id = j.workflow_run_id AND r.status = 'RUNNING' AND r.generation = j.generation
        FOR NO KEY UPDATE SKIP LOCKED"
    };
}

/// A candidate as [`due`] reads it.
macro_rules! candidate_row {
    () => {
        "workflow_run_id, ARRAY[stage_id], ARRAY[generation], ARRAY[]::timestamptz[]"
    };
}

/// Finds due jobs whose runs nobody has locked, and locks those. It never waits, so the order of the locks is free.
pub(super) const LOCK_DUE: &str = concat!(
    "WITH pending AS MATERIALIZED (
        SELECT j.workflow_run_id, j.stage_id, j.generation FROM (SELECT * FROM (",
    of_definitions!(jobs_arm),
    ") AS q ORDER BY q.priority DESC, q.run_at, q.workflow_run_id, q.stage_id) AS j
        CROSS JOIN LATERAL (",
    locked_run!(),
    ") AS locked LIMIT $3
    ),
    checks AS MATERIALIZED (
        SELECT j.workflow_run_id, j.stage_id, j.generation FROM (SELECT * FROM (",
    of_definitions!(checks_arm),
    ") AS q ORDER BY q.run_at, q.workflow_run_id, q.stage_id) AS j
        CROSS JOIN LATERAL (",
    locked_run!(),
    ") AS locked LIMIT $3 - (SELECT count(*) FROM pending)
    )
    SELECT ",
    candidate_row!(),
    " FROM pending UNION ALL SELECT ",
    candidate_row!(),
    " FROM checks"
);

/// As [`LOCK_DUE`], of any number of definitions: what is to be locked is found before, with some to spare for those
/// that others have locked.
pub(super) const LOCK_DUE_OF_MANY: &str = concat!(
    "WITH pending AS MATERIALIZED (
        SELECT j.workflow_run_id, j.stage_id, j.generation FROM (
            SELECT q.* FROM unnest($1) AS d (definition) CROSS JOIN LATERAL (",
    due_jobs!("d.definition", "2 * $3 + 16"),
    ") AS q ORDER BY q.priority DESC, q.run_at, q.workflow_run_id, q.stage_id
        ) AS j CROSS JOIN LATERAL (",
    locked_run!(),
    ") AS locked LIMIT $3
    ),
    checks AS MATERIALIZED (
        SELECT j.workflow_run_id, j.stage_id, j.generation FROM (
            SELECT q.* FROM unnest($1) AS d (definition) CROSS JOIN LATERAL (",
    due_checks!("d.definition", "2 * $3 + 16"),
    ") AS q ORDER BY q.run_at, q.workflow_run_id, q.stage_id
        ) AS j CROSS JOIN LATERAL (",
    locked_run!(),
    ") AS locked LIMIT $3 - (SELECT count(*) FROM pending)
    )
    SELECT ",
    candidate_row!(),
    " FROM pending UNION ALL SELECT ",
    candidate_row!(),
    " FROM checks"
);

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
    claim: &ClaimJobs,
    set: &mut WorkingSet,
) -> Result<Vec<ClaimedJob>, Failure> {
    let limit = number(claim.max).min(MOST);
    let definitions = distinct(&claim.definitions);
    let mut candidates = due(transaction, &definitions, Locks::PassOver, limit).await?;
    if candidates.is_empty() {
        candidates = due(transaction, &definitions, Locks::WaitFor, limit.min(WAITED_FOR)).await?;
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
    definitions: &[String],
    locks: Locks,
    limit: i64,
) -> Result<Vec<Candidate>, Failure> {
    let query = transaction.query(|sql| match locks {
        Locks::PassOver if definitions.len() > ARMS => &sql.lock_due_of_many,
        Locks::PassOver => &sql.lock_due,
        Locks::WaitFor => &sql.wait_for_due,
    });
    let query = query.bind(definitions.to_vec()).bind(transaction.database.given_now()).bind(limit);
    let rows = transaction.fetch(DOING, query).await?;
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
