//! Writing back what a transaction has changed: one statement a table and kind, whatever the number of rows.

use super::failure::Failure;
use super::json_rows::{JsonRows, Row};
use super::session::Session;
use crate::id::RunId;
use crate::records::{Event, JobRecord, RunRecord, StageRecord};
use crate::stores::working_set::{Fate, RunRows, StageRows, WorkingSet};

const DOING: &str = "write a commit";

const INSERT_RUNS: &str = "
    INSERT INTO workflow_runs
        (id, status, version, generation, last_sequence, waiting_on, output, output_blob, error_code,
         error_message, cancel_reason, started_at, completed_at, active, suspended, workflow_id, workflow_name, workflow_type,
         definition_fingerprint, priority, created_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14,
        value ->> 15, value ->> 16, value ->> 15, value ->> 17, value ->> 18, value ->> 19
    FROM jsonb_each(?1)";

const INSERT_REQUESTS: &str = "
    INSERT INTO workflow_run_requests (workflow_run_id, input, config, metadata)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM jsonb_each(?1)";

const UPDATE_RUNS: &str = "
    UPDATE workflow_runs
    SET status = n.value ->> 1, version = n.value ->> 2, generation = n.value ->> 3,
        last_sequence = n.value ->> 4, waiting_on = n.value ->> 5, output = n.value ->> 6,
        output_blob = n.value ->> 7, error_code = n.value ->> 8, error_message = n.value ->> 9,
        cancel_reason = n.value ->> 10, started_at = n.value ->> 11, completed_at = n.value ->> 12,
        active = n.value ->> 13, suspended = n.value ->> 14
    FROM jsonb_each(?1) AS n
    WHERE workflow_runs.id = n.value ->> 0";

const UPSERT_STAGES: &str = "
    INSERT INTO workflow_stages
        (workflow_run_id, stage_id, stage_name, stage_number, execution_group, generation, status, attempt,
         waiting_on, output, output_blob, error_message, started_at, completed_at, suspended_state,
         suspended_state_blob, max_wait_until)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13, value ->> 14,
        value ->> 15, value ->> 16
    FROM jsonb_each(?1) WHERE true
    ON CONFLICT (workflow_run_id, stage_id) DO UPDATE
    SET generation = excluded.generation, status = excluded.status, attempt = excluded.attempt,
        waiting_on = excluded.waiting_on, output = excluded.output, output_blob = excluded.output_blob,
        error_message = excluded.error_message, started_at = excluded.started_at,
        completed_at = excluded.completed_at, suspended_state = excluded.suspended_state,
        suspended_state_blob = excluded.suspended_state_blob, max_wait_until = excluded.max_wait_until";

const UPSERT_JOBS: &str = "
    INSERT INTO job_queue
        (workflow_run_id, stage_id, workflow_id, definition_fingerprint, generation, status, priority, attempt,
         max_attempts, lease_epoch, worker_id, leased_until, run_at, woken)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, value ->> 11, value ->> 12, value ->> 13
    FROM jsonb_each(?1) WHERE true
    ON CONFLICT (workflow_run_id, stage_id) DO UPDATE
    SET generation = excluded.generation, status = excluded.status, priority = excluded.priority,
        attempt = excluded.attempt, max_attempts = excluded.max_attempts, lease_epoch = excluded.lease_epoch,
        worker_id = excluded.worker_id, leased_until = excluded.leased_until, run_at = excluded.run_at,
        woken = excluded.woken";

const DELETE_JOBS: &str = "
    DELETE FROM job_queue
    WHERE (workflow_run_id, stage_id) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?1))";

const INSERT_EVENTS: &str = "
    INSERT INTO outbox_events (workflow_run_id, sequence, event_type, payload, occurred_at, published_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM jsonb_each(?1)";

const INSERT_KEYS: &str = "
    INSERT INTO idempotency_keys (command, key, workflow_run_id, request_hash, result, created_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM jsonb_each(?1)";

const ANSWER_KEYS: &str = "
    UPDATE idempotency_keys SET result = n.value ->> 2
    FROM jsonb_each(?1) AS n
    WHERE command = n.value ->> 0 AND idempotency_keys.key = n.value ->> 1";

const INSERT_LOGS: &str = "
    INSERT INTO workflow_logs (workflow_run_id, stage_id, attempt, level, message, metadata, created_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
    FROM jsonb_each(?1)";

/// Blobs are large: each is bound as it is, not as a part of a JSON text.
const PUT_BLOB: &str = "
    INSERT INTO blobs (key, workflow_run_id, value, created_at) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (key) DO UPDATE SET value = excluded.value, created_at = excluded.created_at";

/// The statements of this file, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    INSERT_RUNS,
    INSERT_REQUESTS,
    UPDATE_RUNS,
    UPSERT_STAGES,
    UPSERT_JOBS,
    DELETE_JOBS,
    INSERT_EVENTS,
    INSERT_KEYS,
    ANSWER_KEYS,
    INSERT_LOGS,
    PUT_BLOB,
];

/// Writes what has changed. Rows are sorted by key, so that they go into their tables from left to right.
pub(super) async fn flush(
    session: &mut Session,
    set: &WorkingSet,
    deliver_events: bool,
) -> Result<(), Failure> {
    let runs = runs(set);
    session.write(DOING, INSERT_RUNS, runs.inserted).await?;
    session.write(DOING, INSERT_REQUESTS, runs.requests).await?;
    session.write(DOING, UPDATE_RUNS, runs.updated).await?;
    session.write(DOING, UPSERT_STAGES, stages(set)).await?;
    let (written, deleted) = jobs(set);
    session.write(DOING, UPSERT_JOBS, written).await?;
    session.write(DOING, DELETE_JOBS, deleted).await?;
    session.write(DOING, INSERT_EVENTS, events(set, deliver_events)?).await?;
    session.write(DOING, INSERT_KEYS, keys(set)).await?;
    session.write(DOING, ANSWER_KEYS, answers(set)).await?;
    session.write(DOING, INSERT_LOGS, logs(set)).await?;
    for blob in &set.blobs {
        let query = sqlx::query(PUT_BLOB)
            .bind(blob.key.0.clone())
            .bind(blob.run_id.to_string())
            .bind(blob.value.as_str().to_owned())
            .bind(blob.at.timestamp_micros());
        session.execute(DOING, query).await?;
    }
    Ok(())
}

/// The runs in the order of their ids.
fn sorted_runs(set: &WorkingSet) -> Vec<&RunRows> {
    let mut runs: Vec<_> = set.runs.iter().collect();
    runs.sort_by_key(|(run_id, _)| **run_id);
    runs.into_iter().map(|(_, rows)| rows).collect()
}

/// The stages in the order of their runs' ids and their own.
fn sorted_stages(set: &WorkingSet) -> Vec<&StageRows> {
    let mut sorted = Vec::new();
    for rows in sorted_runs(set) {
        let mut stages: Vec<_> = rows.stages.iter().collect();
        stages.sort_by_key(|(stage_id, _)| *stage_id);
        sorted.extend(stages.into_iter().map(|(_, rows)| rows));
    }
    sorted
}

#[derive(Default)]
struct Runs {
    inserted: JsonRows,
    requests: JsonRows,
    updated: JsonRows,
}

fn runs(set: &WorkingSet) -> Runs {
    let mut written = Runs::default();
    for rows in sorted_runs(set) {
        match (rows.run.fate(), &rows.created) {
            (Fate::Update(run), _) => written.updated.push(|row| changing(run, row)),
            (Fate::Insert(run), Some(new)) => {
                written.inserted.push(|row| {
                    changing(run, row);
                    row.text(&run.workflow_id).text(&new.workflow_name).text(&run.definition_fingerprint);
                    row.int(run.priority).instant(run.created_at);
                });
                written.requests.push(|row| {
                    row.plain(run.id).text(new.request.input.as_str()).text(new.request.config.as_str());
                    row.maybe_text(new.request.metadata.as_ref().map(crate::Json::as_str));
                });
            }
            // A run is inserted only together with what it was created with, and never deleted here.
            _ => {}
        }
    }
    written
}

/// What changes while a run runs.
fn changing(run: &RunRecord, row: &mut Row<'_>) {
    let error = run.error.as_ref();
    row.plain(run.id).plain(run.status).int(run.version).int(run.generation).int(run.last_sequence);
    row.int(run.waiting_on).value(run.output.as_ref());
    row.maybe_text(error.map(|error| error.code.as_str()));
    row.maybe_text(error.map(|error| error.message.as_str()));
    row.maybe_text(run.cancel_reason.as_deref());
    row.maybe_instant(run.started_at).maybe_instant(run.completed_at).int(run.active);
    row.int(run.suspended);
}

fn stages(set: &WorkingSet) -> JsonRows {
    let mut written = JsonRows::default();
    for rows in sorted_stages(set) {
        if let Fate::Insert(stage) | Fate::Update(stage) = rows.stage.fate() {
            written.push(|row| stage_row(stage, row));
        }
    }
    written
}

fn stage_row(stage: &StageRecord, row: &mut Row<'_>) {
    row.plain(stage.run_id).text(&stage.stage_id).text(&stage.stage_name);
    row.int(stage.stage_number).int(stage.execution_group).int(stage.generation);
    row.plain(stage.status).int(stage.attempt).int(stage.waiting_on).value(stage.output.as_ref());
    row.maybe_text(stage.error_message.as_deref());
    row.maybe_instant(stage.started_at).maybe_instant(stage.completed_at);
    row.value(stage.ticket.as_ref()).maybe_instant(stage.give_up_at);
}

/// Jobs to be written, and jobs to be deleted.
fn jobs(set: &WorkingSet) -> (JsonRows, JsonRows) {
    let (mut written, mut deleted) = (JsonRows::default(), JsonRows::default());
    for rows in sorted_stages(set) {
        match rows.job.fate() {
            Fate::Insert(job) | Fate::Update(job) => written.push(|row| job_row(job, row)),
            // The job of a stage is never deleted without its stage.
            Fate::Delete => {
                if let Some(stage) = rows.stage.get() {
                    deleted.push(|row| {
                        row.plain(stage.run_id).text(&stage.stage_id);
                    });
                }
            }
            Fate::Keep => {}
        }
    }
    (written, deleted)
}

fn job_row(job: &JobRecord, row: &mut Row<'_>) {
    row.plain(job.run_id).text(&job.stage_id).text(&job.workflow_id).text(&job.definition_fingerprint);
    row.int(job.generation).plain(job.status).int(job.priority).int(job.attempt).int(job.max_attempts);
    row.int(job.lease_epoch).maybe_text(job.worker_id.as_deref()).maybe_instant(job.leased_until);
    row.instant(job.run_at).int(u8::from(job.woken));
}

fn events(set: &WorkingSet, deliver: bool) -> Result<JsonRows, Failure> {
    let mut written = JsonRows::default();
    for event in &set.events {
        let Event { run_id, sequence, at, kind } = event;
        let payload = kind.payload().map_err(|error| Failure::lasting(DOING, error))?;
        written.push(|row| {
            row.plain(run_id).int(*sequence).plain(kind.name()).text(&payload);
            row.instant(*at).maybe_instant((!deliver).then_some(*at));
        });
    }
    Ok(written)
}

fn keys(set: &WorkingSet) -> JsonRows {
    let mut written = JsonRows::default();
    for (command, key, entry) in set.inserted_keys() {
        let Some((run_id, at)): Option<(RunId, _)> = entry.inserted else { continue };
        written.push(|row| {
            row.text(command).text(key).plain(run_id).text(&entry.request_hash);
            row.text(entry.result.as_str()).instant(at);
        });
    }
    written
}

fn answers(set: &WorkingSet) -> JsonRows {
    let mut written = JsonRows::default();
    for (command, key, entry) in set.answered_keys() {
        written.push(|row| {
            row.text(command).text(key).text(entry.result.as_str());
        });
    }
    written
}

fn logs(set: &WorkingSet) -> JsonRows {
    let mut written = JsonRows::default();
    for line in &set.logs {
        written.push(|row| {
            row.plain(line.run_id).text(&line.stage_id).int(line.attempt).plain(line.level.as_str());
            row.text(&line.message).text(line.fields.as_str()).instant(line.at);
        });
    }
    written
}
