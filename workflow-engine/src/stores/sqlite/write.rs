//! Writes back the rows that a transaction has changed: one prepared statement for each table and operation, which runs
//! for each row.

use chrono::{DateTime, Utc};

use super::arguments::Arguments;
use super::failure::Failure;
use super::session::{PreparedStatement, Session};
use crate::stores::rows::{
    RowKind, RowSink, WriteColumns, changing_job_columns, changing_run_columns, changing_stage_columns,
    counted_run_columns, new_commit_columns, new_job_columns, new_run_columns, new_stage_columns, write_rows,
};
use crate::stores::working_set::WorkingSet;

const DOING: &str = "write a commit";

const INSERT_RUN: &str = concat!(
    "INSERT INTO {prefix}runs (",
    changing_run_columns!(names),
    ", id, ",
    new_run_columns!(names),
    ") VALUES (",
    changing_run_columns!(placeholders),
    ", ?, ",
    new_run_columns!(placeholders),
    ")"
);

const UPDATE_RUN: &str =
    concat!("UPDATE {prefix}runs SET ", changing_run_columns!(assigned), " WHERE id = ?");

/// For a run of which only these columns have changed. No index has any of them. SQLite rewrites the entry of every index
/// whose columns a statement names, even where the values stay the same.
const COUNT_RUN: &str = concat!("UPDATE {prefix}runs SET ", counted_run_columns!(assigned), " WHERE id = ?");

/// As the other statements on due instants, it takes the instant of writing first.
const INSERT_STAGE: &str = concat!(
    "INSERT INTO {prefix}stage_rows (wait_written_at, max_wait_until, ",
    changing_stage_columns!(names),
    ", workflow_run_id, stage_id, place, ",
    new_stage_columns!(names),
    ") VALUES (?, ?, ",
    changing_stage_columns!(placeholders),
    ", ?, ?, ?, ",
    new_stage_columns!(placeholders),
    ")"
);

/// Keeps the instant of writing of a due instant that stays. It may be the proof that the clock has gone back.
const UPDATE_STAGE: &str = concat!(
    "UPDATE {prefix}stage_rows
    SET wait_written_at = CASE WHEN max_wait_until IS ?2 THEN wait_written_at ELSE ?1 END, max_wait_until = ?2, ",
    changing_stage_columns!(assigned),
    " WHERE workflow_run_id = ? AND stage_id = ? AND place = ?"
);

const INSERT_JOB: &str = concat!(
    "INSERT INTO {prefix}job_queue (due_written_at, run_at, leased_until, ",
    changing_job_columns!(names),
    ", workflow_run_id, stage_id, place, ",
    new_job_columns!(names),
    ") VALUES (?, ?, ?, ",
    changing_job_columns!(placeholders),
    ", ?, ?, ?, ",
    new_job_columns!(placeholders),
    ")"
);

/// Keeps the instant of writing as [`UPDATE_STAGE`] does.
const UPDATE_JOB: &str = concat!(
    "UPDATE {prefix}job_queue
    SET due_written_at = CASE WHEN run_at = ?2 AND leased_until IS ?3 THEN due_written_at ELSE ?1 END,
        run_at = ?2, leased_until = ?3, ",
    changing_job_columns!(assigned),
    " WHERE workflow_run_id = ? AND stage_id = ? AND place = ?"
);

const DELETE_JOB: &str =
    "DELETE FROM {prefix}job_queue WHERE workflow_run_id = ?1 AND stage_id = ?2 AND place = ?3";

/// Reads in the statement itself whether there is a subscriber: another process may have registered one. Without any, the
/// events count as published.
const INSERT_COMMIT: &str = concat!(
    "INSERT INTO {prefix}commits (",
    new_commit_columns!(names),
    ", published_at) VALUES (",
    new_commit_columns!(placeholders),
    ", CASE WHEN EXISTS (SELECT 1 FROM {prefix}subscribers) THEN NULL ELSE ?4 END)"
);

const INSERT_KEY: &str = "
    INSERT INTO {prefix}idempotency_keys (workflow_run_id, command, key, request_hash, result, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const INSERT_LOG: &str = "
    INSERT INTO {prefix}logs (workflow_run_id, stage_id, place, attempt, level, message, metadata, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const PUT_BLOB: &str = "
    INSERT INTO {prefix}blobs (key, workflow_run_id, value, created_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, created_at = excluded.created_at";

/// The statements, by the number of their [`RowKind`].
pub(super) const STATEMENTS: [&str; RowKind::COUNT] = [
    INSERT_RUN,
    UPDATE_RUN,
    COUNT_RUN,
    INSERT_STAGE,
    UPDATE_STAGE,
    INSERT_JOB,
    UPDATE_JOB,
    DELETE_JOB,
    INSERT_COMMIT,
    INSERT_KEY,
    INSERT_LOG,
    PUT_BLOB,
];

/// Writes the changed rows.
pub(super) fn write(session: &Session, set: &WorkingSet, now: DateTime<Utc>) -> Result<(), Failure> {
    let statements = STATEMENTS.map(|sql| session.prepare(DOING, sql));
    write_rows(set, &mut Statements { statements, now })
}

/// The statements, each of which runs once for each of its rows.
struct Statements<'s> {
    statements: [PreparedStatement<'s>; RowKind::COUNT],
    now: DateTime<Utc>,
}

impl RowSink for Statements<'_> {
    const WRITES_EVERY_RUN: bool = false;

    type Row<'a> = Arguments<'a>;
    type Failure = Failure;

    fn write(&mut self, kind: RowKind, put: impl FnOnce(&mut Self::Row<'_>)) -> Result<(), Failure> {
        let has_due_instant =
            matches!(kind, RowKind::NewStage | RowKind::UpdatedStage | RowKind::NewJob | RowKind::UpdatedJob);
        let now = has_due_instant.then_some(self.now);
        self.statements[kind as usize].run(|row| {
            now.map(|now| row.instant(now));
            put(row);
        })
    }

    fn unwritable(error: serde_json::Error) -> Failure {
        Failure::lasting(DOING, error)
    }
}
