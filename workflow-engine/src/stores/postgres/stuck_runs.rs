//! Runs that nothing moves, and runs that nobody here can move.

use std::time::Duration;

use super::PostgresStore;
use super::arrays::{number, texts};
use super::columns::Columns;
use super::outbox::length;
use crate::error::Error;
use crate::value::RunId;

/// Whether the run `r` has a job that is leased or can be claimed some time; the job is `j`.
macro_rules! job_that_moves {
    () => {
        "SELECT 1 FROM {schema}.job_queue AS j
        WHERE j.workflow_run_id = r.id AND j.generation = r.generation AND (
            j.status = 'RUNNING' OR j.status IN ('PENDING', 'SUSPENDED') AND j.attempt < j.max_attempts)"
    };
}

/// Runs that lack a job, by the index of those that are not over. The instant of a run's last event is that of its last
/// move: whatever moves a run without an event leaves a job behind. Asked for seldom, so it may walk over all open
/// runs.
pub(super) const STUCK_RUNS: &str = concat!(
    "WITH stuck AS MATERIALIZED (SELECT r.id FROM {schema}.workflow_runs AS r
    WHERE r.completed_at IS NULL AND r.status = 'RUNNING' AND r.definition_fingerprint = ANY($1)
        AND NOT EXISTS (
            SELECT 1 FROM {schema}.outbox_events AS e
            WHERE e.workflow_run_id = r.id AND e.sequence = r.last_sequence
                AND e.occurred_at > coalesce($2, statement_timestamp()) - $3 * interval '1 microsecond')
        AND (NOT EXISTS (",
    job_that_moves!(),
    ") OR EXISTS (
            SELECT 1 FROM {schema}.workflow_stages AS s
            WHERE s.workflow_run_id = r.id AND s.waiting_on = 0
                AND s.status IN ('PENDING', 'RUNNING', 'SUSPENDED')
                AND NOT EXISTS (",
    job_that_moves!(),
    " AND j.stage_id = s.stage_id))))
    SELECT k.id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[] FROM stuck AS k
    ORDER BY k.id LIMIT $4"
);

/// Runs and jobs that only a worker with another definition can claim, by the indexes of what can be claimed.
pub(super) const UNCLAIMED_RUNS: &str = "
    WITH asked AS (SELECT coalesce($2, statement_timestamp()) - $3 * interval '1 microsecond' AS instant),
    unclaimed AS (
        SELECT r.id FROM {schema}.workflow_runs AS r
        WHERE r.status = 'PENDING' AND r.definition_fingerprint <> ALL($1)
            AND r.created_at <= (SELECT instant FROM asked)
        UNION
        SELECT j.workflow_run_id FROM {schema}.job_queue AS j
        WHERE j.status = 'PENDING' AND j.definition_fingerprint <> ALL($1)
            AND j.run_at <= (SELECT instant FROM asked) AND j.attempt < j.max_attempts
        UNION
        SELECT j.workflow_run_id FROM {schema}.job_queue AS j
        WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint <> ALL($1)
            AND j.run_at <= (SELECT instant FROM asked) AND j.attempt < j.max_attempts
    )
    SELECT u.id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[] FROM unclaimed AS u
    WHERE NOT EXISTS (
        SELECT 1 FROM {schema}.job_queue AS j WHERE j.workflow_run_id = u.id AND j.status = 'RUNNING')
    ORDER BY u.id LIMIT $4";

/// An age in microseconds, which taken from an instant stays within PostgreSQL's calendar.
fn age(age: Duration) -> i64 {
    /// Nothing is a thousand years old.
    const LONGEST: Duration = Duration::from_secs(1_000 * 366 * 86_400);

    length(age.min(LONGEST))
}

impl PostgresStore {
    pub(super) async fn read_stuck_runs(
        &self,
        definitions: &[String],
        still: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        let (definitions, still, limit) = (texts(definitions), age(still), number(limit));
        let rows = self.read("read stuck runs", move |database| {
            let query = database.query(|sql| &sql.stuck_runs).bind(definitions.clone());
            query.bind(database.given_now()).bind(still).bind(limit)
        });
        rows.await?.iter().map(|row| Ok(Columns::new(row, "workflow_runs")?.run_id()?)).collect()
    }

    pub(super) async fn read_unclaimed_runs(
        &self,
        definitions: &[String],
        waiting: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        let (definitions, waiting, limit) = (texts(definitions), age(waiting), number(limit));
        let rows = self.read("read unclaimed runs", move |database| {
            let query = database.query(|sql| &sql.unclaimed_runs).bind(definitions.clone());
            query.bind(database.given_now()).bind(waiting).bind(limit)
        });
        rows.await?.iter().map(|row| Ok(Columns::new(row, "workflow_runs")?.run_id()?)).collect()
    }
}
