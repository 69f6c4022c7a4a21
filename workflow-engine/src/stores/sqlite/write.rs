//! Writes back the rows that a transaction has changed: one prepared statement for each table and operation, which runs
//! for each row.

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::session::Session;
use crate::stores::event_columns::EventColumns;
use crate::stores::rows::{
    WriteColumns, changing_job_columns, changing_run_columns, changing_stage_columns, commit, job,
    new_commit_columns, new_job_columns, new_run_columns, new_stage_columns, run, stage,
};
use crate::stores::working_set::{CommitRow, RowOp, RunRows, StageRows, WorkingSet};
use crate::value::RunId;

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

/// For a run whose version has not moved: then only these columns can have changed. No index has any of them. SQLite
/// rewrites the entry of every index whose columns a statement names, even where the values stay the same.
const COUNT_RUN: &str = "
    UPDATE {prefix}runs SET last_sequence = ?2, waiting_on = ?3, active = ?4, suspended = ?5 WHERE id = ?1";

const INSERT_STAGE: &str = concat!(
    "INSERT INTO {prefix}stages (",
    changing_stage_columns!(names),
    ", workflow_run_id, stage_id, ",
    new_stage_columns!(names),
    ", wait_written_at) VALUES (",
    changing_stage_columns!(placeholders),
    ", ?, ?, ",
    new_stage_columns!(placeholders),
    ", ?)"
);

/// Keeps the instant of writing of a due instant that stays. It may be the proof that the clock has gone back.
const UPDATE_STAGE: &str = concat!(
    "UPDATE {prefix}stages SET ",
    changing_stage_columns!(assigned),
    ", wait_written_at = CASE WHEN max_wait_until IS ? THEN wait_written_at ELSE ? END
    WHERE workflow_run_id = ? AND stage_id = ?"
);

const INSERT_JOB: &str = concat!(
    "INSERT INTO {prefix}job_queue (",
    changing_job_columns!(names),
    ", leased_until, workflow_run_id, stage_id, ",
    new_job_columns!(names),
    ", due_written_at) VALUES (",
    changing_job_columns!(placeholders),
    ", ?, ?, ?, ",
    new_job_columns!(placeholders),
    ", ?)"
);

/// Keeps the instant of writing as [`UPDATE_STAGE`] does.
const UPDATE_JOB: &str = concat!(
    "UPDATE {prefix}job_queue SET ",
    changing_job_columns!(assigned),
    ", leased_until = ?,
        due_written_at = CASE WHEN run_at = ? AND leased_until IS ? THEN due_written_at ELSE ? END
    WHERE workflow_run_id = ? AND stage_id = ?"
);

const DELETE_JOB: &str = "DELETE FROM {prefix}job_queue WHERE workflow_run_id = ?1 AND stage_id = ?2";

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
    INSERT INTO {prefix}idempotency_keys (command, key, workflow_run_id, request_hash, result, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

const COMPLETE_KEY: &str = "UPDATE {prefix}idempotency_keys SET result = ?3 WHERE command = ?1 AND key = ?2";

const INSERT_LOG: &str = "
    INSERT INTO {prefix}logs (workflow_run_id, stage_id, attempt, level, message, metadata, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

const PUT_BLOB: &str = "
    INSERT INTO {prefix}blobs (key, workflow_run_id, value, created_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, created_at = excluded.created_at";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
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
    COMPLETE_KEY,
    INSERT_LOG,
    PUT_BLOB,
];

/// Writes the changed rows. They are sorted by key, so that each table is written from left to right.
pub(super) fn write(session: &Session, set: &WorkingSet, now: DateTime<Utc>) -> Result<(), Failure> {
    let mut runs: Vec<_> = set.runs.iter().map(|(run_id, rows)| (*run_id, rows)).collect();
    runs.sort_unstable_by_key(|(run_id, _)| *run_id);
    let stages: Vec<_> = runs
        .iter()
        .flat_map(|(run_id, rows)| {
            rows.stages.iter().map(|(stage_id, rows)| (*run_id, stage_id.as_str(), rows.as_ref()))
        })
        .collect();
    write_runs(session, &runs)?;
    write_stages(session, &stages, now)?;
    write_jobs(session, &stages, now)?;
    write_commits(session, set)?;
    write_keys(session, set)?;
    write_logs_and_blobs(session, set)
}

fn write_runs(session: &Session, runs: &[(RunId, &RunRows)]) -> Result<(), Failure> {
    let mut insert = session.prepare(DOING, INSERT_RUN);
    let (mut update, mut count) = (session.prepare(DOING, UPDATE_RUN), session.prepare(DOING, COUNT_RUN));
    for (_, rows) in runs {
        match (rows.run.row_op(), &rows.created) {
            (RowOp::Update(run), _) if rows.stored_version == Some(run.version) => count.run(|row| {
                row.run_id(run.id)
                    .int(run.last_sequence)
                    .int(run.waiting_on)
                    .int(run.active)
                    .int(run.suspended);
            })?,
            (RowOp::Update(run), _) => update.run(|row| {
                run::put_changing(row, run);
                row.run_id(run.id);
            })?,
            (RowOp::Insert(run), Some(new)) => insert.run(|row| {
                run::put_changing(row, run);
                row.run_id(run.id);
                run::put_new(row, run, new);
            })?,
            // A run is inserted only together with its request, and is never deleted here.
            _ => {}
        }
    }
    Ok(())
}

type Stages<'a> = [(RunId, &'a str, &'a StageRows)];

fn write_stages(session: &Session, stages: &Stages<'_>, now: DateTime<Utc>) -> Result<(), Failure> {
    let (mut insert, mut update) =
        (session.prepare(DOING, INSERT_STAGE), session.prepare(DOING, UPDATE_STAGE));
    for (.., rows) in stages {
        match rows.stage.row_op() {
            RowOp::Insert(stage) => insert.run(|row| {
                stage::put_changing(row, stage);
                stage::put_key(row, stage);
                stage::put_new(row, stage);
                row.instant(now);
            })?,
            RowOp::Update(stage) => update.run(|row| {
                stage::put_changing(row, stage);
                row.maybe_instant(stage.max_wait_until).instant(now);
                stage::put_key(row, stage);
            })?,
            // A stage is never deleted here.
            RowOp::Delete | RowOp::Keep => {}
        }
    }
    Ok(())
}

fn write_jobs(session: &Session, stages: &Stages<'_>, now: DateTime<Utc>) -> Result<(), Failure> {
    let (mut insert, mut update) = (session.prepare(DOING, INSERT_JOB), session.prepare(DOING, UPDATE_JOB));
    let mut delete = session.prepare(DOING, DELETE_JOB);
    for (run_id, stage_id, rows) in stages {
        match rows.job.row_op() {
            RowOp::Insert(job) => insert.run(|row| {
                job::put_changing(row, job);
                job::put_key(row, job);
                job::put_new(row, job);
                row.instant(now);
            })?,
            RowOp::Update(job) => update.run(|row| {
                job::put_changing(row, job);
                row.instant(job.run_at).maybe_instant(job.leased_until).instant(now);
                job::put_key(row, job);
            })?,
            RowOp::Delete => delete.run(|row| _ = row.run_id(*run_id).text(stage_id))?,
            RowOp::Keep => {}
        }
    }
    Ok(())
}

/// Writes the new commits, sorted: the set has them in the order of the decisions.
fn write_commits(session: &Session, set: &WorkingSet) -> Result<(), Failure> {
    let mut commits: Vec<&CommitRow> = set.commits.iter().collect();
    commits.sort_unstable_by_key(|commit| (commit.run_id, commit.sequence));
    let mut insert = session.prepare(DOING, INSERT_COMMIT);
    for row in commits {
        let events = EventColumns::new(&row.events).map_err(|error| Failure::lasting(DOING, error))?;
        insert.run(|columns| {
            commit::put(columns, row, &events, set.request(row));
        })?;
    }
    Ok(())
}

fn write_keys(session: &Session, set: &WorkingSet) -> Result<(), Failure> {
    let mut insert = session.prepare(DOING, INSERT_KEY);
    for (command, key, entry) in set.inserted_keys() {
        let Some((run_id, at)): Option<(RunId, _)> = entry.inserted else { continue };
        insert.run(|row| {
            row.text(command).text(key).run_id(run_id).text(&entry.request_hash);
            row.text(entry.result.as_str()).instant(at);
        })?;
    }
    let mut complete = session.prepare(DOING, COMPLETE_KEY);
    for (command, key, entry) in set.completed_keys() {
        complete.run(|row| _ = row.text(command).text(key).text(entry.result.as_str()))?;
    }
    Ok(())
}

fn write_logs_and_blobs(session: &Session, set: &WorkingSet) -> Result<(), Failure> {
    let mut insert = session.prepare(DOING, INSERT_LOG);
    for line in &set.logs {
        insert.run(|row| {
            row.run_id(line.run_id).text(&line.stage_id).int(line.attempt).text(line.level.as_str());
            row.text(&line.message).text(line.fields.as_str()).instant(line.at);
        })?;
    }
    let mut put = session.prepare(DOING, PUT_BLOB);
    for blob in &set.blobs {
        put.run(|row| {
            _ = row.text(&blob.key.0).run_id(blob.run_id).text(blob.value.as_str()).instant(blob.at)
        })?;
    }
    Ok(())
}
