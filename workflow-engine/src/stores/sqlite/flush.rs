//! Writes back the rows that a transaction has changed: one prepared statement for each table and operation, which runs
//! for each row.

use chrono::{DateTime, Utc};

use super::arguments::Arguments;
use super::failure::Failure;
use super::session::Session;
use crate::ports::NewRun;
use crate::records::{JobRecord, RunRecord, StageRecord};
use crate::stores::event_columns::EventColumns;
use crate::stores::working_set::{CommitRow, RowOp, RunRows, StageRows, WorkingSet};
use crate::value::{Json, RunId};

const DOING: &str = "write a commit";

const INSERT_RUN: &str = "
    INSERT INTO {prefix}runs
        (id, status, version, generation, last_sequence, waiting_on, output, output_blob, error_code,
         error_message, cancel_reason, started_at, completed_at, active, suspended, workflow_id, workflow_name, workflow_type,
         definition_fingerprint, priority, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?16, ?18, ?19, ?20)";

const UPDATE_RUN: &str = "
    UPDATE {prefix}runs
    SET status = ?2, version = ?3, generation = ?4, last_sequence = ?5, waiting_on = ?6, output = ?7,
        output_blob = ?8, error_code = ?9, error_message = ?10, cancel_reason = ?11, started_at = ?12,
        completed_at = ?13, active = ?14, suspended = ?15
    WHERE id = ?1";

/// For a run whose version has not moved: then only these columns can have changed. No index has any of them. SQLite
/// rewrites the entry of every index whose columns a statement names, even where the values stay the same.
const COUNT_RUN: &str = "
    UPDATE {prefix}runs SET last_sequence = ?2, waiting_on = ?3, active = ?4, suspended = ?5 WHERE id = ?1";

const INSERT_STAGE: &str = "
    INSERT INTO {prefix}stages
        (workflow_run_id, stage_id, generation, status, attempt, waiting_on, output, output_blob, error_message,
         started_at, completed_at, suspended_state, suspended_state_blob, max_wait_until, wait_written_at,
         stage_name, stage_number, execution_group)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

/// Keeps the instant of writing of a due instant that stays. It may be the proof that the clock has gone back.
const UPDATE_STAGE: &str = "
    UPDATE {prefix}stages
    SET generation = ?3, status = ?4, attempt = ?5, waiting_on = ?6, output = ?7, output_blob = ?8,
        error_message = ?9, started_at = ?10, completed_at = ?11, suspended_state = ?12, suspended_state_blob = ?13,
        max_wait_until = ?14,
        wait_written_at = CASE WHEN max_wait_until IS ?14 THEN wait_written_at ELSE ?15 END
    WHERE workflow_run_id = ?1 AND stage_id = ?2";

const INSERT_JOB: &str = "
    INSERT INTO {prefix}job_queue
        (workflow_run_id, stage_id, generation, status, priority, attempt, max_attempts, lease_epoch, worker_id,
         leased_until, run_at, woken, crashes, max_crashes, due_written_at, workflow_id, definition_fingerprint)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

/// Keeps the instant of writing as [`UPDATE_STAGE`] does.
const UPDATE_JOB: &str = "
    UPDATE {prefix}job_queue
    SET generation = ?3, status = ?4, priority = ?5, attempt = ?6, max_attempts = ?7, lease_epoch = ?8,
        worker_id = ?9, leased_until = ?10, run_at = ?11, woken = ?12, crashes = ?13, max_crashes = ?14,
        due_written_at = CASE WHEN run_at = ?11 AND leased_until IS ?10 THEN due_written_at ELSE ?15 END
    WHERE workflow_run_id = ?1 AND stage_id = ?2";

const DELETE_JOB: &str = "DELETE FROM {prefix}job_queue WHERE workflow_run_id = ?1 AND stage_id = ?2";

/// Reads in the statement itself whether there is a subscriber: another process may have registered one. Without any, the
/// events count as published.
const INSERT_COMMIT: &str = "
    INSERT INTO {prefix}commits
        (workflow_run_id, sequence, last_sequence, occurred_at, published_at, causation_id, event_types, events, input,
         config, metadata)
    VALUES (?1, ?2, ?3, ?4, CASE WHEN EXISTS (SELECT 1 FROM {prefix}subscribers) THEN NULL ELSE ?4 END, ?5, ?6, ?7, ?8,
        ?9, ?10)";

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

const DELETE_VOID_BLOBS: &str = "
    DELETE FROM {prefix}blobs WHERE key > ?1 AND key < ?2 AND NOT (key > ?3 AND key < ?4)";

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
    DELETE_VOID_BLOBS,
];

/// Writes the changed rows. They are sorted by key, so that each table is written from left to right.
pub(super) fn flush(session: &Session, set: &WorkingSet, now: DateTime<Utc>) -> Result<(), Failure> {
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
                row.id(run.id).int(run.last_sequence).int(run.waiting_on).int(run.active).int(run.suspended);
            })?,
            (RowOp::Update(run), _) => update.run(|row| changing_columns(run, row))?,
            (RowOp::Insert(run), Some(NewRun { workflow_name, .. })) => insert.run(|row| {
                changing_columns(run, row);
                row.text(&run.workflow_id).text(workflow_name).text(&run.definition_fingerprint);
                row.int(run.priority).instant(run.created_at);
            })?,
            // A run is inserted only together with its request, and is never deleted here.
            _ => {}
        }
    }
    Ok(())
}

/// Binds the changing columns of a run.
fn changing_columns(run: &RunRecord, row: &mut Arguments<'_, '_>) {
    let error = run.error.as_ref();
    row.id(run.id).text(run.status.as_str()).int(run.version).int(run.generation).int(run.last_sequence);
    row.int(run.waiting_on).value(run.output.as_ref());
    row.maybe_text(error.map(|error| error.code.as_str()));
    row.maybe_text(error.map(|error| error.message.as_str()));
    row.maybe_text(run.cancel_reason.as_deref());
    row.maybe_instant(run.started_at).maybe_instant(run.completed_at).int(run.active);
    row.int(run.suspended);
}

type Stages<'a> = [(RunId, &'a str, &'a StageRows)];

fn write_stages(session: &Session, stages: &Stages<'_>, now: DateTime<Utc>) -> Result<(), Failure> {
    let (mut insert, mut update) =
        (session.prepare(DOING, INSERT_STAGE), session.prepare(DOING, UPDATE_STAGE));
    for (.., rows) in stages {
        match rows.stage.row_op() {
            RowOp::Insert(stage) => insert.run(|row| {
                stage_row(stage, row);
                row.instant(now);
                row.text(&stage.stage_name).int(stage.stage_number).int(stage.execution_group);
            })?,
            RowOp::Update(stage) => update.run(|row| {
                stage_row(stage, row);
                row.instant(now);
            })?,
            // A stage is never deleted here.
            RowOp::Delete | RowOp::Keep => {}
        }
    }
    Ok(())
}

fn stage_row(stage: &StageRecord, row: &mut Arguments<'_, '_>) {
    row.id(stage.run_id).text(&stage.stage_id).int(stage.generation);
    row.text(stage.status.as_str()).int(stage.attempt).int(stage.waiting_on).value(stage.output.as_ref());
    row.maybe_text(stage.error_message.as_deref());
    row.maybe_instant(stage.started_at).maybe_instant(stage.completed_at);
    row.value(stage.suspended_state.as_ref()).maybe_instant(stage.max_wait_until);
}

fn write_jobs(session: &Session, stages: &Stages<'_>, now: DateTime<Utc>) -> Result<(), Failure> {
    let (mut insert, mut update) = (session.prepare(DOING, INSERT_JOB), session.prepare(DOING, UPDATE_JOB));
    let mut delete = session.prepare(DOING, DELETE_JOB);
    for (run_id, stage_id, rows) in stages {
        match rows.job.row_op() {
            RowOp::Insert(job) => insert.run(|row| {
                job_row(job, row);
                row.instant(now);
                row.text(&job.workflow_id).text(&job.definition_fingerprint);
            })?,
            RowOp::Update(job) => update.run(|row| {
                job_row(job, row);
                row.instant(now);
            })?,
            RowOp::Delete => delete.run(|row| _ = row.id(*run_id).text(stage_id))?,
            RowOp::Keep => {}
        }
    }
    Ok(())
}

fn job_row(job: &JobRecord, row: &mut Arguments<'_, '_>) {
    row.id(job.run_id).text(&job.stage_id).int(job.generation).text(job.status.as_str()).int(job.priority);
    row.int(job.attempt).int(job.max_attempts).int(job.lease_epoch).maybe_text(job.worker_id.as_deref());
    row.maybe_instant(job.leased_until).instant(job.run_at).int(job.woken);
    row.int(job.crashes).int(job.max_crashes);
}

/// Writes the new commits, sorted: the set has them in the order of the decisions.
fn write_commits(session: &Session, set: &WorkingSet) -> Result<(), Failure> {
    let mut commits: Vec<&CommitRow> = set.commits.iter().collect();
    commits.sort_unstable_by_key(|commit| (commit.run_id, commit.sequence));
    let mut insert = session.prepare(DOING, INSERT_COMMIT);
    for commit in commits {
        let columns = EventColumns::new(&commit.events).map_err(|error| Failure::lasting(DOING, error))?;
        let request = set.request(commit);
        insert.run(|row| {
            row.id(commit.run_id).int(commit.sequence).int(commit.last_sequence).instant(commit.at);
            row.text(&commit.causation_id).text(&columns.types).text(&columns.payloads);
            row.maybe_text(request.map(|request| request.input.as_str()));
            row.maybe_text(request.map(|request| request.config.as_str()));
            row.maybe_text(request.and_then(|request| request.metadata.as_ref()).map(Json::as_str));
        })?;
    }
    Ok(())
}

fn write_keys(session: &Session, set: &WorkingSet) -> Result<(), Failure> {
    let mut insert = session.prepare(DOING, INSERT_KEY);
    for (command, key, entry) in set.inserted_keys() {
        let Some((run_id, at)): Option<(RunId, _)> = entry.inserted else { continue };
        insert.run(|row| {
            row.text(command).text(key).id(run_id).text(&entry.request_hash);
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
            row.id(line.run_id).text(&line.stage_id).int(line.attempt).text(line.level.as_str());
            row.text(&line.message).text(line.fields.as_str()).instant(line.at);
        })?;
    }
    let mut put = session.prepare(DOING, PUT_BLOB);
    for blob in &set.blobs {
        put.run(|row| _ = row.text(&blob.key.0).id(blob.run_id).text(blob.value.as_str()).instant(blob.at))?;
    }
    let mut delete = session.prepare(DOING, DELETE_VOID_BLOBS);
    for void in &set.side_rows.void_blobs {
        let bounds = void.bounds();
        delete.run(|row| bounds.iter().for_each(|bound| _ = row.text(bound)))?;
    }
    Ok(())
}
