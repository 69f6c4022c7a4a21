//! Writes the floor's rows to SQLite: one statement per table and kind.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use tokio::sync::mpsc;

use super::rows::Batch;
use super::shape::{FINGERPRINT, Shape};
use super::{BATCH, Counts, Queued};
use crate::Outcome;

const INSERT_RUNS: &str = "
    INSERT INTO workflow_runs
        (id, last_sequence, created_at, started_at, workflow_id, workflow_name, workflow_type,
        definition_fingerprint, status, priority, version, generation, waiting_on, active, suspended)
    SELECT value ->> 0, value ->> 1, ?2, ?2, ?3, ?4, ?3, ?5, 'RUNNING', 5, 2, 1, 1, 1, 0 FROM jsonb_each(?1)";

const UPDATE_RUNS: &str = "
    UPDATE workflow_runs
    SET status = n.value ->> 1, last_sequence = n.value ->> 2, active = n.value ->> 3, waiting_on = n.value ->> 4,
        output = n.value ->> 5, completed_at = n.value ->> 6, version = 2 + (n.value ->> 6 IS NOT NULL)
    FROM jsonb_each(?1) AS n WHERE workflow_runs.id = n.value ->> 0";

const INSERT_STAGES: &str = "
    INSERT INTO workflow_stages
        (workflow_run_id, stage_id, stage_name, stage_number, execution_group, status, waiting_on, started_at,
        wait_written_at, generation, attempt)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
        value ->> 7, ?2, 1, 1
    FROM jsonb_each(?1)";

const UPDATE_STAGES: &str = "
    UPDATE workflow_stages
    SET status = n.value ->> 2, waiting_on = n.value ->> 3, output = n.value ->> 4,
        started_at = coalesce(workflow_stages.started_at, n.value ->> 5), completed_at = n.value ->> 6
    FROM jsonb_each(?1) AS n
    WHERE workflow_stages.workflow_run_id = n.value ->> 0 AND workflow_stages.stage_id = n.value ->> 1";

const INSERT_JOBS: &str = "
    INSERT INTO workflow_job_queue
        (workflow_run_id, stage_id, workflow_id, definition_fingerprint, run_at, due_written_at, leased_until, generation,
        status, priority, attempt, max_attempts, crashes, max_crashes, lease_epoch, worker_id, woken)
    SELECT value ->> 0, value ->> 1, ?2, ?3, ?4, ?4, ?4 + 15000000, 1, 'RUNNING', 5, 1, 1, 0, 3, 1, 'floor', 0
    FROM jsonb_each(?1)";

const DELETE_JOBS: &str = "
    DELETE FROM workflow_job_queue
    WHERE (workflow_run_id, stage_id) IN (SELECT value ->> 0, value ->> 1 FROM jsonb_each(?1))";

const INSERT_COMMITS: &str = "
    INSERT INTO workflow_commits
        (workflow_run_id, sequence, last_sequence, occurred_at, published_at, causation_id, event_types, events, input,
        config)
    SELECT value ->> 0, value ->> 1, value ->> 2, ?2, ?2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
        CASE WHEN value ->> 6 IS NOT NULL THEN ?3 END
    FROM jsonb_each(?1)";

pub async fn connect(file: &str) -> Outcome<SqliteConnection> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "4000")
        .pragma("cache_size", "-16384");
    Ok(options.disable_statement_logging().connect().await?)
}

pub async fn serve(
    mut connection: SqliteConnection,
    shape: Shape,
    mut queue: mpsc::UnboundedReceiver<Queued>,
    counts: Arc<Counts>,
) -> Outcome<()> {
    let mut queued = Vec::new();
    while queue.recv_many(&mut queued, BATCH).await > 0 {
        counts.add(queued.len());
        let (mut batch, mut waiting) = (Batch::default(), Vec::new());
        for (operation, sender) in queued.drain(..) {
            batch.add(operation);
            waiting.push(sender);
        }
        if let Err(error) = write(&mut connection, &shape, batch).await {
            eprintln!("the floor cannot write: {error}");
            return Err(error);
        }
        for sender in waiting {
            // A receiver that no longer waits does not need the result.
            let _ = sender.send(());
        }
    }
    Ok(())
}

async fn write(connection: &mut SqliteConnection, shape: &Shape, batch: Batch) -> Outcome<()> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    if let Some(new) = rows(&batch.new, |run| json!([run.id.to_string(), run.sequence])) {
        let query = sqlx::query(INSERT_RUNS).bind(&new).bind(now);
        let query = query.bind(shape.id).bind(shape.name).bind(FINGERPRINT);
        query.execute(&mut *connection).await?;
    }
    let completed_at = |output: &Option<String>| output.is_some().then_some(now);
    if let Some(updated) = rows(batch.updated.values(), |run| {
        let id = run.id.to_string();
        json!([
            id,
            run.status,
            run.sequence,
            run.active,
            run.waiting_on,
            run.output,
            completed_at(&run.output)
        ])
    }) {
        sqlx::query(UPDATE_RUNS).bind(updated).execute(&mut *connection).await?;
    }
    if let Some(stages) = rows(&batch.new_stages, |(run, row)| {
        let (stage, began) = (&shape.stages[row.index], (row.status == "RUNNING").then_some(now));
        let run = run.to_string();
        json!([run, stage.id, stage.name, row.index + 1, stage.group, row.status, row.waiting_on, began])
    }) {
        sqlx::query(INSERT_STAGES).bind(stages).bind(now).execute(&mut *connection).await?;
    }
    if let Some(stages) = rows(&batch.stages, |((run, index), row)| {
        let began = (row.status != "PENDING").then_some(now);
        let (run, stage) = (run.to_string(), shape.stages[*index].id);
        json!([run, stage, row.status, row.waiting_on, row.output, began, completed_at(&row.output)])
    }) {
        sqlx::query(UPDATE_STAGES).bind(stages).execute(&mut *connection).await?;
    }
    if let Some(jobs) = rows(&batch.claimed, |(run, stage)| json!([run.to_string(), stage])) {
        let query = sqlx::query(INSERT_JOBS).bind(jobs).bind(shape.id).bind(FINGERPRINT).bind(now);
        query.execute(&mut *connection).await?;
    }
    if let Some(jobs) = rows(&batch.done, |(run, stage)| json!([run.to_string(), stage])) {
        sqlx::query(DELETE_JOBS).bind(jobs).execute(&mut *connection).await?;
    }
    if let Some(commits) = rows(&batch.commits, |row| {
        json!([row.run.to_string(), row.first, row.last, row.cause, row.types, row.events, row.input])
    }) {
        let query = sqlx::query(INSERT_COMMITS).bind(commits).bind(now).bind(shape.config);
        query.execute(&mut *connection).await?;
    }
    sqlx::query("COMMIT").execute(connection).await?;
    Ok(())
}

/// Returns the rows of a statement as one JSON text; `None` if there are none.
fn rows<T>(rows: impl IntoIterator<Item = T>, row: impl FnMut(T) -> Value) -> Option<String> {
    let rows: Vec<Value> = rows.into_iter().map(row).collect();
    (!rows.is_empty()).then(|| Value::Array(rows).to_string())
}
