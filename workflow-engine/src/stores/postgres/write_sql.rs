//! The statement that writes a commit, in parts. It consists only of the parts that its commit needs, since the server
//! sets up every part at each execution, even if the part has no rows.
//!
//! `$?` is the next argument: the rows of one kind ([`RowKind`](crate::stores::rows::RowKind)). The arguments $1 to
//! $3 are those of the guard (`guard_sql.rs`), $4 is the step by which `commits` moves, and $5 the time of a test's clock,
//! or NULL.

use super::guard_sql::{AND_KEYS_ARE_FREE, Guard, KEY_ROWS};
use crate::stores::rows::{
    changing_job_columns, changing_run_columns, changing_stage_columns, counted_run_columns,
    new_commit_columns, new_job_columns, new_run_columns, new_stage_columns,
};

/// Guard and parts of the statement for one commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StatementForm {
    pub(super) guard: Guard,
    pub(super) parts: StatementParts,
}

impl StatementForm {
    /// The number of different statements.
    pub(super) const COUNT: usize = Guard::COUNT * StatementParts::COUNT;

    /// Returns the number of the statement of this form, below `COUNT`.
    pub(super) fn number(self) -> usize {
        self.guard as usize * StatementParts::COUNT + self.parts.number()
    }

    /// Returns the text of the statement with this number.
    pub(super) fn text(number: usize) -> String {
        let guard = Guard::texts(number / StatementParts::COUNT);
        let is_included = |at: usize| number >> at & 1 == 1;
        let part = |at, text| if is_included(at) { text } else { "" };
        let before = guard.before.replace("$key_rows", part(0, KEY_ROWS));
        [&before.replace("$and_keys_are_free", part(0, AND_KEYS_ARE_FREE))]
            .into_iter()
            .map(String::as_str)
            .chain([guard.before_counts, COUNTS, guard.after_update].map(|text| part(4, text)))
            .chain([guard.before_run_updates, RUN_UPDATES, guard.after_update].map(|text| part(5, text)))
            .chain([COMMITS, part(0, KEYS), part(1, RUNS), part(2, STAGES), part(3, JOBS)])
            .chain([part(6, UPDATES), part(6, JOB_UPDATES), part(7, LOGS_AND_BLOBS), guard.result])
            .collect::<String>()
            .replace("$is_run_writable", guard.is_run_writable)
            .replace("$is_new_writable", guard.is_new_writable)
            .replace("$is_writable", guard.is_writable)
    }
}

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
    /// Updated runs.
    pub(super) updated_runs: bool,
    /// Updated stages and jobs, and deleted jobs.
    pub(super) updates: bool,
    /// Log lines and blobs.
    pub(super) logs_and_blobs: bool,
}

impl StatementParts {
    /// The number of different sets of parts.
    const COUNT: usize = 1 << 8;

    /// Returns a number for these parts, below `COUNT`: a bit for each.
    fn number(self) -> usize {
        let first = [self.keys, self.runs, self.stages, self.jobs, self.counts];
        let others = [self.updated_runs, self.updates, self.logs_and_blobs];
        let all = first.into_iter().chain(others);
        all.rev().fold(0, |number, is_included| number << 1 | usize::from(is_included))
    }
}

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
        WHERE $is_new_writable
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

/// For runs of which nothing else has changed. No index has any of these columns. Every commit that writes rows of a run
/// moves the run's `commits` by $4, here and below.
const COUNTS: &str = concat!(
    "
        UPDATE {schema}.workflow_runs AS r
        SET ",
    counted_run_columns!(assigned_from_n),
    ", commits = r.commits + $4
        FROM unnest($?::{schema}.workflow_counted_run[]) AS n
        WHERE r.id = n.id AND $is_run_writable"
);

const RUN_UPDATES: &str = concat!(
    "
        UPDATE {schema}.workflow_runs AS r
        SET ",
    changing_run_columns!(assigned_from_n),
    ", commits = r.commits + $4
        FROM unnest($?::{schema}.workflow_updated_run[]) AS n
        WHERE r.id = n.id AND $is_run_writable"
);

/// The instant of writing of a due instant that stays is kept, here and below: it may be the proof that the clock has
/// gone back.
const UPDATES: &str = concat!(
    ",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_a_different_statement() {
        let mut all = std::collections::HashSet::new();
        for number in 0..StatementForm::COUNT {
            let is_included = |at: usize| number >> at & 1 == 1;
            let [keys, runs, stages, jobs, counts] = [0, 1, 2, 3, 4].map(is_included);
            let [updated_runs, updates, logs_and_blobs] = [5, 6, 7].map(is_included);
            let parts =
                StatementParts { keys, runs, stages, jobs, counts, updated_runs, updates, logs_and_blobs };
            let guard = [Guard::Locks, Guard::Update, Guard::Nothing][number / StatementParts::COUNT];
            if guard == Guard::Update && (counts == updated_runs || runs || keys) {
                // Such a commit has another guard (`write.rs`).
                continue;
            }
            assert_eq!(StatementForm { guard, parts }.number(), number);
            assert!(all.insert(StatementForm::text(number)));
        }
    }
}
