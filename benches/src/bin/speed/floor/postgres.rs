//! Writes the floor's rows to PostgreSQL: one statement per commit.

use std::sync::Arc;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::types::Uuid;
use tokio::sync::mpsc;

use super::rows::Batch;
use super::shape::{FINGERPRINT, Shape};
use super::{BATCH, Counts, Queued};
use crate::Outcome;

const WRITE: &str = "
    WITH runs AS (
        INSERT INTO workflow_runs
            (id, workflow_id, workflow_name, workflow_type, definition_fingerprint, status, priority, version,
            generation, last_sequence, waiting_on, active, suspended, created_at, started_at, owner, held, held_until,
            outline_sequence)
        SELECT id, $4, $5, $4, $6, 'RUNNING', 5, 2, 1, last_sequence, 1, 1, 0, now(), now(), 'floor', held,
            now() + interval '15 s', 1
        FROM unnest($1::uuid[], $2::bigint[], $8::text[]) AS n (id, last_sequence, held)
    ),
    counted AS (
        UPDATE workflow_runs AS r
        SET last_sequence = n.last_sequence, active = n.active, held = n.held, commits = r.commits + 1
        FROM unnest($9::uuid[], $10::bigint[], $11::bigint[], $12::text[]) AS n (id, last_sequence, active, held)
        WHERE r.id = n.id
    ),
    ended AS (
        UPDATE workflow_runs AS r
        SET status = 'COMPLETED', last_sequence = n.last_sequence, active = 0, waiting_on = 0, output = n.output,
            version = 3, commits = r.commits + 1, completed_at = now(), owner = NULL, held = NULL, held_until = NULL
        FROM unnest($13::uuid[], $14::bigint[], $15::text[]) AS n (id, last_sequence, output)
        WHERE r.id = n.id
    ),
    stages AS (
        INSERT INTO workflow_stage_rows
            (workflow_run_id, stage_id, stage_name, stage_number, execution_group, generation, status, attempt,
            waiting_on, output, started_at, completed_at)
        SELECT run, stage, name, number, level, 1, 'COMPLETED', 1, 0, output, now(), now()
        FROM unnest($16::uuid[], $17::text[], $18::text[], $19::bigint[], $20::bigint[], $21::text[])
            AS n (run, stage, name, number, level, output)
    )
    INSERT INTO workflow_commits
        (workflow_run_id, sequence, last_sequence, causation_id, event_types, events, outline, input, config,
        occurred_at, published_at)
    SELECT run, first, last, cause, types, events, outline, input, CASE WHEN input IS NOT NULL THEN $7 END, now(),
        now()
    FROM unnest($22::uuid[], $23::bigint[], $24::bigint[], $25::text[], $26::text[], $27::text[], $28::text[],
        $3::text[]) AS n (run, first, last, cause, types, events, outline, input)";

pub async fn connect(url: &str) -> Outcome<PgConnection> {
    let options: PgConnectOptions = url.parse()?;
    let settings = [
        ("search_path", "workflow_engine"),
        // Plans made for empty tables must also suit full ones.
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("enable_bitmapscan", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("jit", "off"),
    ];
    Ok(options.options(settings).disable_statement_logging().connect().await?)
}

pub async fn serve(
    mut connection: PgConnection,
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

async fn write(connection: &mut PgConnection, shape: &Shape, batch: Batch) -> Outcome<()> {
    let (ended, counted): (Vec<_>, Vec<_>) =
        batch.updated.into_values().partition(|run| run.output.is_some());
    let stages: Vec<_> = batch.stages.into_iter().collect();
    let stage = |index: usize| &shape.stages[index];
    let number = |index: usize| i64::try_from(index + 1).unwrap_or(i64::MAX);
    let query = sqlx::query(WRITE)
        .bind(batch.new.iter().map(|run| run.id).collect::<Vec<Uuid>>())
        .bind(batch.new.iter().map(|run| run.sequence).collect::<Vec<_>>())
        .bind(batch.commits.iter().map(|row| row.input.clone()).collect::<Vec<_>>())
        .bind(shape.id)
        .bind(shape.name)
        .bind(FINGERPRINT)
        .bind(shape.config)
        .bind(batch.new.into_iter().map(|run| run.held).collect::<Vec<_>>())
        .bind(counted.iter().map(|run| run.id).collect::<Vec<_>>())
        .bind(counted.iter().map(|run| run.sequence).collect::<Vec<_>>())
        .bind(counted.iter().map(|run| run.active).collect::<Vec<_>>())
        .bind(counted.into_iter().map(|run| run.held).collect::<Vec<_>>())
        .bind(ended.iter().map(|run| run.id).collect::<Vec<_>>())
        .bind(ended.iter().map(|run| run.sequence).collect::<Vec<_>>())
        .bind(ended.into_iter().map(|run| run.output).collect::<Vec<_>>())
        .bind(stages.iter().map(|((run, _), _)| *run).collect::<Vec<_>>())
        .bind(stages.iter().map(|((_, index), _)| stage(*index).id).collect::<Vec<_>>())
        .bind(stages.iter().map(|((_, index), _)| stage(*index).name).collect::<Vec<_>>())
        .bind(stages.iter().map(|((_, index), _)| number(*index)).collect::<Vec<_>>())
        .bind(stages.iter().map(|((_, index), _)| stage(*index).group).collect::<Vec<_>>())
        .bind(stages.into_iter().map(|(_, output)| output).collect::<Vec<_>>());
    let query = query
        .bind(batch.commits.iter().map(|row| row.run).collect::<Vec<_>>())
        .bind(batch.commits.iter().map(|row| row.first).collect::<Vec<_>>())
        .bind(batch.commits.iter().map(|row| row.last).collect::<Vec<_>>())
        .bind(batch.commits.iter().map(|row| row.cause.clone()).collect::<Vec<_>>())
        .bind(batch.commits.iter().map(|row| row.types.clone()).collect::<Vec<_>>())
        .bind(batch.commits.iter().map(|row| row.events.clone()).collect::<Vec<_>>())
        .bind(batch.commits.into_iter().map(|row| row.outline).collect::<Vec<_>>());
    query.execute(connection).await?;
    Ok(())
}
