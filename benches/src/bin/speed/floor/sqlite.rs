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
        (id, last_sequence, held, created_at, started_at, held_until, workflow_id, workflow_name, workflow_type,
        definition_fingerprint, status, priority, version, generation, waiting_on, active, suspended, owner,
        outline_sequence)
    SELECT value ->> 0, value ->> 1, value ->> 2, ?2, ?2, ?2 + 15000000, ?3, ?4, ?3, ?5, 'RUNNING', 5, 2, 1, 1, 1, 0,
        'floor', 1
    FROM jsonb_each(?1)";

const COUNT_RUNS: &str = "
    UPDATE workflow_runs SET last_sequence = n.value ->> 1, active = n.value ->> 2, held = n.value ->> 3
    FROM jsonb_each(?1) AS n WHERE workflow_runs.id = n.value ->> 0";

const END_RUNS: &str = "
    UPDATE workflow_runs
    SET status = 'COMPLETED', last_sequence = n.value ->> 1, active = 0, waiting_on = 0, output = n.value ->> 2,
        completed_at = ?2, version = 3, owner = NULL, held = NULL, held_until = NULL
    FROM jsonb_each(?1) AS n WHERE workflow_runs.id = n.value ->> 0";

const INSERT_STAGES: &str = "
    INSERT INTO workflow_stage_rows
        (workflow_run_id, stage_id, stage_name, stage_number, execution_group, output, status, waiting_on, started_at,
        completed_at, wait_written_at, generation, attempt)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, 'COMPLETED', 0, ?2, ?2, ?2, 1, 1
    FROM jsonb_each(?1)";

const INSERT_COMMITS: &str = "
    INSERT INTO workflow_commits
        (workflow_run_id, sequence, last_sequence, occurred_at, published_at, causation_id, event_types, events, outline,
        input, config)
    SELECT value ->> 0, value ->> 1, value ->> 2, ?2, ?2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
        value ->> 7, CASE WHEN value ->> 7 IS NOT NULL THEN ?3 END
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
    if let Some(new) = rows(&batch.new, |run| json!([run.id.to_string(), run.sequence, run.held])) {
        let query = sqlx::query(INSERT_RUNS).bind(&new).bind(now);
        let query = query.bind(shape.id).bind(shape.name).bind(FINGERPRINT);
        query.execute(&mut *connection).await?;
    }
    let (ended, counted): (Vec<_>, Vec<_>) = batch.updated.values().partition(|run| run.output.is_some());
    if let Some(counted) =
        rows(counted, |run| json!([run.id.to_string(), run.sequence, run.active, run.held]))
    {
        sqlx::query(COUNT_RUNS).bind(counted).execute(&mut *connection).await?;
    }
    if let Some(ended) = rows(ended, |run| json!([run.id.to_string(), run.sequence, run.output])) {
        sqlx::query(END_RUNS).bind(ended).bind(now).execute(&mut *connection).await?;
    }
    if let Some(stages) = rows(&batch.stages, |((run, index), output)| {
        let stage = &shape.stages[*index];
        json!([run.to_string(), stage.id, stage.name, index + 1, stage.group, output])
    }) {
        sqlx::query(INSERT_STAGES).bind(stages).bind(now).execute(&mut *connection).await?;
    }
    if let Some(commits) = rows(&batch.commits, |row| {
        let run = row.run.to_string();
        json!([run, row.first, row.last, row.cause, row.types, row.events, row.outline, row.input])
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
