//! The statement that writes a commit, in parts. It consists only of the parts that its commit needs, since the server
//! sets up every part at each execution, even if the part has no rows.
//!
//! `$?` is the next argument: the rows of one kind ([`RowKind`](crate::stores::rows::RowKind)). The arguments $1 to
//! $3 are compared before anything is written, $4 is the step by which `commits` moves, and $5 the time of a test's clock,
//! or NULL. `$is_writable` is the condition that each row `n` of a run has to meet.

use crate::stores::rows::{
    changing_job_columns, changing_run_columns, changing_stage_columns, counted_run_columns,
    new_commit_columns, new_job_columns, new_run_columns, new_stage_columns,
};

/// The optional parts of the statement for one commit.
#[allow(clippy::struct_excessive_bools, reason = "the parts are independent of each other")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StatementParts {
    /// Idempotency keys.
    pub(super) keys: bool,
    /// New runs.
    pub(super) runs: bool,
    /// New stages.
    pub(super) stages: bool,
    /// New jobs.
    pub(super) jobs: bool,
    /// Counts and entries of runs.
    pub(super) counts: bool,
    /// Updated runs, stages and jobs, and deleted jobs.
    pub(super) updates: bool,
    /// Log lines and blobs.
    pub(super) logs_and_blobs: bool,
}

impl StatementParts {
    /// The number of different statements.
    pub(super) const STATEMENTS: usize = 1 << 7;

    /// Returns the number of the statement with these parts, below `STATEMENTS`.
    pub(super) fn number(self) -> usize {
        let all =
            [self.keys, self.runs, self.stages, self.jobs, self.counts, self.updates, self.logs_and_blobs];
        all.into_iter().rev().fold(0, |number, is_included| number << 1 | usize::from(is_included))
    }

    /// Returns the pieces of the statement with this number, in the order of its arguments.
    pub(super) fn texts(number: usize) -> impl Iterator<Item = &'static str> {
        let is_included = move |at: usize| number >> at & 1 == 1;
        let part = move |at, text| if is_included(at) { text } else { "" };
        [LOCK, part(0, KEY_ROWS), CHECK, part(0, CHECK_KEYS), CHECK_END, COMMITS]
            .into_iter()
            .chain([part(0, KEYS), part(1, RUNS), part(2, STAGES), part(3, JOBS), part(4, COUNTS)])
            .chain([part(5, UPDATES), part(5, JOB_UPDATES), part(6, LOGS_AND_BLOBS), RESULT])
    }
}

/// `$is_writable`: the statement may write, and the row's run is not stale.
pub(super) const IS_WRITABLE: &str =
    "(SELECT is_writable FROM checked) AND n.workflow_run_id <> ALL ((SELECT stale FROM checked)::uuid[])";

/// Locks the runs $1 in the order of their ids.
const LOCK: &str = "
    WITH locked AS MATERIALIZED (
        SELECT r.id, r.commits FROM {schema}.workflow_runs AS r WHERE r.id = ANY($1) ORDER BY r.id FOR NO KEY UPDATE
    )";

const KEY_ROWS: &str = ",
    key_rows AS MATERIALIZED (SELECT * FROM unnest($?::{schema}.workflow_new_key[]))";

/// Nothing is written if the instant $3 differs from the database's clock by more than a second, or if a key is taken.
/// And nothing is written of a run whose `commits` differs from $2: it is stale. Every other part reads this one, so
/// the locks on runs are taken before any other.
const CHECK: &str = ",
    checked AS MATERIALIZED (
        SELECT CASE
                WHEN coalesce((SELECT array_agg(l.commits ORDER BY l.id) FROM locked AS l), '{}') = $2
                THEN '{}'::uuid[]
                ELSE ARRAY(
                    SELECT n.id FROM unnest($1, $2) AS n (id, commits) LEFT JOIN locked AS l ON l.id = n.id
                    WHERE l.commits IS DISTINCT FROM n.commits
                )
            END AS stale,
            coalesce(clock_timestamp() - $3 BETWEEN interval '-1 s' AND interval '1 s', TRUE)";

const CHECK_KEYS: &str = "
            AND NOT EXISTS (
                SELECT 1 FROM key_rows AS n
                JOIN {schema}.workflow_idempotency_keys AS k ON k.command = n.command AND k.key = n.key
            )";

const CHECK_END: &str = " AS is_writable
    )";

/// The statement itself reads whether there is a subscriber: another process may have registered one. Without any, its
/// events count as published.
const COMMITS: &str = concat!(
    ",
    commits AS (
        INSERT INTO {schema}.workflow_commits (",
    new_commit_columns!(names),
    ", published_at)
        SELECT n.*, CASE WHEN EXISTS (SELECT 1 FROM {schema}.workflow_subscribers) THEN NULL ELSE n.occurred_at END
        FROM unnest($?::{schema}.workflow_new_commit[]) AS n
        WHERE $is_writable
    )"
);

/// The rows are in key order: two transactions that write the same keys then wait for each other without a deadlock.
const KEYS: &str = ",
    keys AS (
        INSERT INTO {schema}.workflow_idempotency_keys (workflow_run_id, command, key, request_hash, result, created_at)
        SELECT * FROM key_rows AS n
        WHERE $is_writable
    )";

const JOBS: &str = concat!(
    ",
    jobs AS (
        INSERT INTO {schema}.workflow_job_queue (run_at, leased_until, ",
    changing_job_columns!(names),
    ", workflow_run_id, stage_id, place, ",
    new_job_columns!(names),
    ", due_written_at)
        SELECT n.*, coalesce($5, clock_timestamp()) FROM unnest($?::{schema}.workflow_new_job[]) AS n
        WHERE $is_writable
    )"
);

const RUNS: &str = concat!(
    ",
    runs AS (
        INSERT INTO {schema}.workflow_runs (",
    changing_run_columns!(names),
    ", id, ",
    new_run_columns!(names),
    ", commits)
        SELECT n.*, $4 FROM unnest($?::{schema}.workflow_new_run[]) AS n
        WHERE (SELECT is_writable FROM checked)
    )"
);

const STAGES: &str = concat!(
    ",
    stages AS (
        INSERT INTO {schema}.workflow_stage_rows (max_wait_until, ",
    changing_stage_columns!(names),
    ", workflow_run_id, stage_id, place, ",
    new_stage_columns!(names),
    ", wait_written_at)
        SELECT n.*, CASE WHEN n.max_wait_until IS NOT NULL THEN coalesce($5, clock_timestamp()) END
        FROM unnest($?::{schema}.workflow_new_stage[]) AS n
        WHERE $is_writable
    )"
);

/// For runs of which nothing else has changed. No index has any of these columns.
const COUNTS: &str = concat!(
    ",
    counted_runs AS (
        UPDATE {schema}.workflow_runs AS r
        SET ",
    counted_run_columns!(assigned_from_n),
    ", commits = r.commits + $4
        FROM unnest($?::{schema}.workflow_counted_run[]) AS n
        WHERE r.id = n.id AND (SELECT is_writable FROM checked) AND n.id <> ALL ((SELECT stale FROM checked)::uuid[])
    )"
);

/// Every commit that writes rows of a run moves the run's `commits` by $4. The instant of writing of a due instant that
/// stays is kept, here and below: it may be the proof that the clock has gone back.
const UPDATES: &str = concat!(
    ",
    updated_runs AS (
        UPDATE {schema}.workflow_runs AS r
        SET ",
    changing_run_columns!(assigned_from_n),
    ", commits = r.commits + $4
        FROM unnest($?::{schema}.workflow_updated_run[]) AS n
        WHERE r.id = n.id AND (SELECT is_writable FROM checked) AND n.id <> ALL ((SELECT stale FROM checked)::uuid[])
    ),
    updated_stages AS (
        UPDATE {schema}.workflow_stage_rows AS s
        SET max_wait_until = n.max_wait_until, ",
    changing_stage_columns!(assigned_from_n),
    ", wait_written_at = CASE
                WHEN s.max_wait_until IS NOT DISTINCT FROM n.max_wait_until THEN s.wait_written_at
                ELSE coalesce($5, clock_timestamp()) END
        FROM unnest($?::{schema}.workflow_updated_stage[]) AS n
        WHERE s.workflow_run_id = n.workflow_run_id AND s.stage_id = n.stage_id AND s.place = n.place
            AND $is_writable
    ),
    deleted_jobs AS (
        DELETE FROM {schema}.workflow_job_queue AS j USING unnest($?::{schema}.workflow_deleted_job[]) AS n
        WHERE j.workflow_run_id = n.workflow_run_id AND j.stage_id = n.stage_id AND j.place = n.place
            AND $is_writable
    )"
);

/// Renewing a lease takes no lock on its run, so the row may have a later `leased_until` than the one that was read;
/// the later one is kept.
const JOB_UPDATES: &str = concat!(
    ",
    updated_jobs AS (
        UPDATE {schema}.workflow_job_queue AS q
        SET run_at = n.run_at, ",
    changing_job_columns!(assigned_from_n),
    ",
            due_written_at = CASE
                WHEN q.run_at = n.run_at AND q.leased_until IS NOT DISTINCT FROM n.leased_until THEN q.due_written_at
                ELSE coalesce($5, clock_timestamp()) END,
            leased_until = CASE
                WHEN q.status = 'RUNNING' AND n.status = 'RUNNING' AND q.lease_epoch = n.lease_epoch
                    AND q.generation = n.generation
                THEN greatest(q.leased_until, n.leased_until) ELSE n.leased_until END
        FROM unnest($?::{schema}.workflow_updated_job[]) AS n
        WHERE q.workflow_run_id = n.workflow_run_id AND q.stage_id = n.stage_id AND q.place = n.place
            AND $is_writable
    )"
);

const LOGS_AND_BLOBS: &str = ",
    logs AS (
        INSERT INTO {schema}.workflow_logs
            (workflow_run_id, stage_id, place, attempt, level, message, metadata, created_at)
        SELECT * FROM unnest($?::{schema}.workflow_new_log[]) AS n
        WHERE $is_writable
    ),
    payloads AS (
        INSERT INTO {schema}.workflow_blobs (key, workflow_run_id, value, created_at)
        SELECT * FROM unnest($?::{schema}.workflow_new_blob[]) AS n
        WHERE $is_writable
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, created_at = excluded.created_at
    )";

const RESULT: &str = "
    SELECT is_writable, stale, clock_timestamp() FROM checked";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_parts_is_a_different_statement() {
        let mut all = std::collections::HashSet::new();
        for number in 0..StatementParts::STATEMENTS {
            let is_included = |at: usize| number >> at & 1 == 1;
            let [keys, runs, stages, jobs, counts, updates, logs_and_blobs] =
                [0, 1, 2, 3, 4, 5, 6].map(is_included);
            let parts = StatementParts { keys, runs, stages, jobs, counts, updates, logs_and_blobs };
            assert_eq!(parts.number(), number);
            assert!(all.insert(StatementParts::texts(number).collect::<String>()));
        }
    }
}
