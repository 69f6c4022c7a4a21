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
    WITH new_runs AS MATERIALIZED (
        SELECT * FROM unnest($1::uuid[], $2::bigint[]) AS n (id, last_sequence)
    ),
    runs AS (
        INSERT INTO workflow_runs
            (id, workflow_id, workflow_name, workflow_type, definition_fingerprint, status, priority, version,
            generation, last_sequence, waiting_on, active, suspended, created_at, started_at)
        SELECT id, $4, $5, $4, $6, 'RUNNING', 5, 2, 1, last_sequence, 1, 1, 0, now(), now() FROM new_runs
    ),
    updated AS (
        UPDATE workflow_runs AS r
        SET status = n.status, last_sequence = n.last_sequence, active = n.active, waiting_on = n.waiting_on,
            output = n.output, version = CASE WHEN n.output IS NULL THEN 2 ELSE 3 END, commits = r.commits + 1,
            completed_at = CASE WHEN n.output IS NOT NULL THEN now() END
        FROM unnest($8::uuid[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[])
            AS n (id, status, last_sequence, active, waiting_on, output)
        WHERE r.id = n.id
    ),
    stages AS (
        INSERT INTO workflow_stages
            (workflow_run_id, stage_id, stage_name, stage_number, execution_group, generation, status, attempt,
            waiting_on, started_at)
        SELECT run, stage, name, number, level, 1, status, 1, waiting_on,
            CASE WHEN status = 'RUNNING' THEN now() END
        FROM unnest($14::uuid[], $15::text[], $16::text[], $17::bigint[], $18::bigint[], $19::text[], $20::bigint[])
            AS n (run, stage, name, number, level, status, waiting_on)
    ),
    updated_stages AS (
        UPDATE workflow_stages AS s
        SET status = n.status, waiting_on = n.waiting_on, output = n.output, attempt = 1,
            started_at = CASE WHEN n.status <> 'PENDING' THEN coalesce(s.started_at, now()) END,
            completed_at = CASE WHEN n.output IS NOT NULL THEN now() END
        FROM unnest($21::uuid[], $22::text[], $23::text[], $24::bigint[], $25::text[])
            AS n (run, stage, status, waiting_on, output)
        WHERE s.workflow_run_id = n.run AND s.stage_id = n.stage
    ),
    jobs AS (
        INSERT INTO workflow_job_queue
            (workflow_run_id, stage_id, workflow_id, definition_fingerprint, generation, status, priority, attempt,
            max_attempts, crashes, max_crashes, lease_epoch, worker_id, leased_until, run_at, woken, due_written_at)
        SELECT run, stage, $4, $6, 1, 'RUNNING', 5, 1, 1, 0, 3, 1, 'floor', now() + interval '15 s', now(), false,
            now()
        FROM unnest($26::uuid[], $27::text[]) AS n (run, stage)
    ),
    done AS (
        DELETE FROM workflow_job_queue AS j USING unnest($28::uuid[], $29::text[]) AS n (run, stage)
        WHERE j.workflow_run_id = n.run AND j.stage_id = n.stage
    )
    INSERT INTO workflow_commits
        (workflow_run_id, sequence, last_sequence, causation_id, event_types, events, input, config, occurred_at,
        published_at)
    SELECT run, first, last, cause, types, events, input, CASE WHEN input IS NOT NULL THEN $7 END, now(), now()
    FROM unnest($30::uuid[], $31::bigint[], $32::bigint[], $33::text[], $34::text[], $35::text[], $3::text[])
        AS n (run, first, last, cause, types, events, input)";

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
    let updated: Vec<_> = batch.updated.into_values().collect();
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
        .bind(updated.iter().map(|run| run.id).collect::<Vec<_>>())
        .bind(updated.iter().map(|run| run.status).collect::<Vec<_>>())
        .bind(updated.iter().map(|run| run.sequence).collect::<Vec<_>>())
        .bind(updated.iter().map(|run| run.active).collect::<Vec<_>>())
        .bind(updated.iter().map(|run| run.waiting_on).collect::<Vec<_>>())
        .bind(updated.into_iter().map(|run| run.output).collect::<Vec<_>>())
        .bind(batch.new_stages.iter().map(|(run, _)| *run).collect::<Vec<_>>())
        .bind(batch.new_stages.iter().map(|(_, row)| stage(row.index).id).collect::<Vec<_>>())
        .bind(batch.new_stages.iter().map(|(_, row)| stage(row.index).name).collect::<Vec<_>>())
        .bind(batch.new_stages.iter().map(|(_, row)| number(row.index)).collect::<Vec<_>>())
        .bind(batch.new_stages.iter().map(|(_, row)| stage(row.index).group).collect::<Vec<_>>())
        .bind(batch.new_stages.iter().map(|(_, row)| row.status).collect::<Vec<_>>())
        .bind(batch.new_stages.iter().map(|(_, row)| row.waiting_on).collect::<Vec<_>>())
        .bind(stages.iter().map(|((run, _), _)| *run).collect::<Vec<_>>())
        .bind(stages.iter().map(|((_, index), _)| stage(*index).id).collect::<Vec<_>>())
        .bind(stages.iter().map(|(_, row)| row.status).collect::<Vec<_>>())
        .bind(stages.iter().map(|(_, row)| row.waiting_on).collect::<Vec<_>>())
        .bind(stages.into_iter().map(|(_, row)| row.output).collect::<Vec<_>>());
    let (claiming, claimed): (Vec<_>, Vec<_>) = batch.claimed.into_iter().unzip();
    let (completing, done): (Vec<_>, Vec<_>) = batch.done.into_iter().unzip();
    let query = query.bind(claiming).bind(claimed).bind(completing).bind(done);
    let query = query
        .bind(batch.commits.iter().map(|row| row.run).collect::<Vec<_>>())
        .bind(batch.commits.iter().map(|row| row.first).collect::<Vec<_>>())
        .bind(batch.commits.iter().map(|row| row.last).collect::<Vec<_>>())
        .bind(batch.commits.iter().map(|row| row.cause.clone()).collect::<Vec<_>>())
        .bind(batch.commits.iter().map(|row| row.types.clone()).collect::<Vec<_>>())
        .bind(batch.commits.into_iter().map(|row| row.events).collect::<Vec<_>>());
    query.execute(connection).await?;
    Ok(())
}
