//! Writes the floor's rows to SQLite, on a thread of its own: each row with a statement that is prepared once.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, params};
use tokio::sync::mpsc;

use super::rows::Batch;
use super::shape::{FINGERPRINT, Shape};
use super::{BATCH, Counts, Queued};
use crate::Outcome;

const INSERT_RUN: &str = "
    INSERT INTO workflow_runs
        (id, last_sequence, held, created_at, started_at, held_until, workflow_id, workflow_name, workflow_type,
        definition_fingerprint, status, priority, version, generation, waiting_on, active, suspended, owner,
        outline_sequence)
    VALUES (?1, ?2, ?3, ?4, ?4, ?4 + 15000000, ?5, ?6, ?5, ?7, 'RUNNING', 5, 2, 1, 1, 1, 0, 'floor', 1)";

const COUNT_RUN: &str = "UPDATE workflow_runs SET last_sequence = ?2, active = ?3, held = ?4 WHERE id = ?1";

const END_RUN: &str = "
    UPDATE workflow_runs
    SET status = 'COMPLETED', last_sequence = ?2, active = 0, waiting_on = 0, output = ?3, completed_at = ?4,
        version = 3, owner = NULL, held = NULL, held_until = NULL
    WHERE id = ?1";

const INSERT_STAGE: &str = "
    INSERT INTO workflow_stage_rows
        (workflow_run_id, stage_id, stage_name, stage_number, execution_group, output, status, waiting_on, started_at,
        completed_at, wait_written_at, generation, attempt)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'COMPLETED', 0, ?7, ?7, ?7, 1, 1)";

const INSERT_COMMIT: &str = "
    INSERT INTO workflow_commits
        (workflow_run_id, sequence, last_sequence, occurred_at, published_at, causation_id, event_types, events, outline,
        input, config)
    VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

pub fn connect(file: &str) -> Outcome<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    for (name, value) in [("synchronous", 2), ("wal_autocheckpoint", 4_000), ("cache_size", -16_384)] {
        connection.pragma_update(None, name, value)?;
    }
    Ok(connection)
}

/// Writes the operations of the queue until its senders are gone. One commit holds all operations that wait.
pub fn serve(
    connection: &Connection,
    shape: Shape,
    mut queue: mpsc::UnboundedReceiver<Queued>,
    counts: &Arc<Counts>,
) {
    let mut queued = Vec::new();
    while queue.blocking_recv_many(&mut queued, BATCH) > 0 {
        counts.add(queued.len());
        let (mut batch, mut waiting) = (Batch::default(), Vec::new());
        for (operation, sender) in queued.drain(..) {
            batch.add(operation);
            waiting.push(sender);
        }
        if let Err(error) = write(connection, &shape, &batch) {
            eprintln!("the floor cannot write: {error}");
            return;
        }
        for sender in waiting {
            // A receiver that no longer waits does not need the result.
            let _ = sender.send(());
        }
    }
}

fn write(connection: &Connection, shape: &Shape, batch: &Batch) -> Outcome<()> {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for run in &batch.new {
        connection.prepare_cached(INSERT_RUN)?.execute(params![
            run.id.to_string(),
            run.sequence,
            run.held,
            now,
            shape.id,
            shape.name,
            FINGERPRINT
        ])?;
    }
    for run in batch.updated.values() {
        if let Some(output) = &run.output {
            let values = params![run.id.to_string(), run.sequence, output, now];
            connection.prepare_cached(END_RUN)?.execute(values)?;
        } else {
            let values = params![run.id.to_string(), run.sequence, run.active, run.held];
            connection.prepare_cached(COUNT_RUN)?.execute(values)?;
        }
    }
    for ((run, index), output) in &batch.stages {
        let (stage, number) = (&shape.stages[*index], i64::try_from(index + 1)?);
        connection.prepare_cached(INSERT_STAGE)?.execute(params![
            run.to_string(),
            stage.id,
            stage.name,
            number,
            stage.group,
            output,
            now
        ])?;
    }
    for row in &batch.commits {
        connection.prepare_cached(INSERT_COMMIT)?.execute(params![
            row.run.to_string(),
            row.first,
            row.last,
            now,
            row.cause,
            row.types,
            row.events,
            row.outline,
            row.input,
            row.input.as_ref().map(|_| shape.config)
        ])?;
    }
    connection.prepare_cached("COMMIT")?.execute([])?;
    Ok(())
}
