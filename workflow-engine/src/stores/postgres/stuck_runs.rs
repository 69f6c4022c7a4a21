//! Finds stuck runs, which no job will move, and unclaimed runs, which no worker of these definitions can claim.

use std::time::Duration;

use super::PostgresStore;
use super::arrays::microseconds;
use super::arrays::{number, texts};
use super::columns::Columns;
use crate::error::Error;
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

/// Selects the jobs `j` of the run `r` that have a lease or can be claimed, now or later.
macro_rules! live_job {
    () => {
        "SELECT 1 FROM {schema}.workflow_job_queue AS j
        WHERE j.workflow_run_id = r.id AND j.generation = r.generation AND (
            j.status = 'RUNNING' OR j.status IN ('PENDING', 'SUSPENDED') AND j.attempt < j.max_attempts)"
    };
}

/// Finds runs without a live job, or with a ready stage that has none. A run with an owner has live jobs without rows.
/// The time of a run's last event stands for the time of its last change: a change without an event always leaves a job
/// behind. The statement runs seldom, so it may walk over all runs that are not terminal, by their index.
const STUCK_RUNS: &str = concat!(
    "WITH stuck AS MATERIALIZED (SELECT r.id FROM {schema}.workflow_runs AS r
    WHERE r.completed_at IS NULL AND r.status = 'RUNNING' AND r.definition_fingerprint = ANY($1)
        AND NOT EXISTS (
            SELECT 1 FROM {schema}.workflow_commits AS c
            WHERE c.workflow_run_id = r.id AND c.sequence = (
                    SELECT max(o.sequence) FROM {schema}.workflow_commits AS o
                    WHERE o.workflow_run_id = r.id AND o.sequence <= r.last_sequence)
                AND c.occurred_at > coalesce($2, statement_timestamp()) - $3 * interval '1 microsecond')
        AND (r.owner IS NULL AND NOT EXISTS (",
    live_job!(),
    ") OR EXISTS (
            SELECT 1 FROM {schema}.workflow_stage_rows AS s
            WHERE s.workflow_run_id = r.id AND s.waiting_on = 0
                AND s.status IN ('PENDING', 'RUNNING', 'SUSPENDED')
                AND NOT EXISTS (",
    live_job!(),
    " AND j.stage_id = s.stage_id AND j.place = s.place))))
    SELECT k.id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[] FROM stuck AS k
    ORDER BY k.id LIMIT $4"
);

/// Finds runs of which something is due that only a worker with another definition can claim, by the indexes of
/// claimable work.
const UNCLAIMED_RUNS: &str = "
    WITH latest_due AS (SELECT coalesce($2, statement_timestamp()) - $3 * interval '1 microsecond' AS instant),
    unclaimed AS (
        SELECT r.id FROM {schema}.workflow_runs AS r
        WHERE r.status = 'PENDING' AND r.due_at IS NULL AND r.definition_fingerprint <> ALL($1)
            AND r.created_at <= (SELECT instant FROM latest_due)
        UNION
        SELECT r.id FROM {schema}.workflow_runs AS r
        WHERE r.status = 'PENDING' AND r.due_at IS NOT NULL AND r.definition_fingerprint <> ALL($1)
            AND r.due_at <= (SELECT instant FROM latest_due)
        UNION
        SELECT j.workflow_run_id FROM {schema}.workflow_job_queue AS j
        WHERE j.status = 'PENDING' AND j.definition_fingerprint <> ALL($1)
            AND j.run_at <= (SELECT instant FROM latest_due) AND j.attempt < j.max_attempts
        UNION
        SELECT j.workflow_run_id FROM {schema}.workflow_job_queue AS j
        WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint <> ALL($1)
            AND j.run_at <= (SELECT instant FROM latest_due) AND j.attempt < j.max_attempts
    )
    SELECT u.id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[] FROM unclaimed AS u
    WHERE NOT EXISTS (
        SELECT 1 FROM {schema}.workflow_job_queue AS j WHERE j.workflow_run_id = u.id AND j.status = 'RUNNING')
        AND NOT EXISTS (SELECT 1 FROM {schema}.workflow_runs AS r WHERE r.id = u.id AND r.owner IS NOT NULL)
    ORDER BY u.id LIMIT $4";

/// Returns an age in microseconds, capped so that subtracting it from an instant stays within PostgreSQL's calendar.
fn age(age: Duration) -> i64 {
    /// No row is older than a thousand years.
    const MAX: Duration = Duration::from_secs(1_000 * 366 * 86_400);

    microseconds(age.min(MAX))
}

impl PostgresStore {
    pub(super) async fn read_stuck_runs(
        &self,
        definitions: &[String],
        idle_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        let (definitions, idle_for, limit) = (texts(definitions), age(idle_for), number(limit));
        let rows = self.read("read stuck runs", move |database| {
            let query = database.query(STUCK_RUNS).bind(definitions.clone());
            query.bind(database.test_now()).bind(idle_for).bind(limit)
        });
        rows.await?.iter().map(|row| Ok(Columns::new(row, "workflow_runs")?.run_id()?)).collect()
    }

    pub(super) async fn read_unclaimed_runs(
        &self,
        definitions: &[String],
        waiting_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        let (definitions, waiting_for, limit) = (texts(definitions), age(waiting_for), number(limit));
        let rows = self.read("read unclaimed runs", move |database| {
            let query = database.query(UNCLAIMED_RUNS).bind(definitions.clone());
            query.bind(database.test_now()).bind(waiting_for).bind(limit)
        });
        rows.await?.iter().map(|row| Ok(Columns::new(row, "workflow_runs")?.run_id()?)).collect()
    }
}
