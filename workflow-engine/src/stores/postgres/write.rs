//! Writing back what a transaction has changed: one statement, whatever the number of rows.

use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use sqlx::Row;
use uuid::Uuid;

use super::arrays::{Rows, number, value};
use super::failure::Failure;
use super::known::is_touched;
use super::text::stored;
use super::transaction::Transaction;
use crate::id::RunId;
use crate::language::Json;
use crate::records::{JobRecord, RunRecord, StageRecord};
use crate::stores::working_set::{Fate, RunRows, StageRows, WorkingSet};

const DOING: &str = "write a commit";

/// Every table's rows, each as arrays. A run that has an instant of creation is new. Whatever is written of a run moves
/// its `commits`, by $4. A lease that was renewed since the job was read stays renewed.
///
/// Nothing is written unless the runs $1, which are locked in the order of their ids, still have the `commits` $2, the
/// instant $3 is the database's, and no key is taken. What has read its runs under their locks names none of them.
pub(super) const WRITE: &str = "
    WITH locked AS MATERIALIZED (
        SELECT r.id, r.commits FROM {schema}.workflow_runs AS r WHERE r.id = ANY($1) ORDER BY r.id FOR NO KEY UPDATE
    ),
    checked AS MATERIALIZED (
        SELECT coalesce((SELECT array_agg(l.commits ORDER BY l.id) FROM locked AS l), '{}') = $2
            AND coalesce(clock_timestamp() - $3 BETWEEN interval '-250 ms' AND interval '250 ms', TRUE)
            AND NOT EXISTS (
                SELECT 1 FROM unnest($68, $69) AS n (command, key)
                JOIN {schema}.idempotency_keys AS k ON k.command = n.command AND k.key = n.key
            ) AS is_fit
    ),
    run_rows AS MATERIALIZED (
        SELECT * FROM unnest(
            $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26,
            $27
        ) AS n (id, status, output, output_blob, error_code, error_message, cancel_reason, workflow_id,
            workflow_name, definition_fingerprint, input, config, metadata, version, generation, last_sequence,
            waiting_on, active, suspended, priority, started_at, completed_at, created_at)
    ),
    inserted_runs AS (
        INSERT INTO {schema}.workflow_runs
            (id, status, output, output_blob, error_code, error_message, cancel_reason, workflow_id,
            workflow_name, definition_fingerprint, version, generation, last_sequence, waiting_on, active,
            suspended, priority, started_at, completed_at, created_at, workflow_type, commits)
        SELECT id, status, output, output_blob, error_code, error_message, cancel_reason, workflow_id,
            workflow_name, definition_fingerprint, version, generation, last_sequence, waiting_on, active,
            suspended, priority, started_at, completed_at, created_at, workflow_id, $4
        FROM run_rows WHERE created_at IS NOT NULL AND (SELECT is_fit FROM checked)
    ),
    requests AS (
        INSERT INTO {schema}.workflow_run_requests (workflow_run_id, input, config, metadata)
        SELECT id, input, config, metadata FROM run_rows WHERE created_at IS NOT NULL AND (SELECT is_fit FROM checked)
    ),
    updated_runs AS (
        UPDATE {schema}.workflow_runs AS r
        SET status = n.status, output = n.output, output_blob = n.output_blob, error_code = n.error_code,
            error_message = n.error_message, cancel_reason = n.cancel_reason, version = n.version, generation =
            n.generation, last_sequence = n.last_sequence, waiting_on = n.waiting_on, active = n.active,
            suspended = n.suspended, started_at = n.started_at, completed_at = n.completed_at, commits =
            r.commits + $4
        FROM run_rows AS n WHERE r.id = n.id AND n.created_at IS NULL AND (SELECT is_fit FROM checked)
    ),
    stages AS (
        INSERT INTO {schema}.workflow_stages
            (workflow_run_id, stage_id, stage_name, status, suspended_state, suspended_state_blob, output,
            output_blob, error_message, stage_number, execution_group, generation, attempt, waiting_on,
            max_wait_until, started_at, completed_at)
        SELECT * FROM unnest(
            $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44
        ) WHERE (SELECT is_fit FROM checked)
        ON CONFLICT (workflow_run_id, stage_id) DO UPDATE
        SET stage_name = excluded.stage_name, status = excluded.status, suspended_state =
            excluded.suspended_state, suspended_state_blob = excluded.suspended_state_blob, output =
            excluded.output, output_blob = excluded.output_blob, error_message = excluded.error_message,
            stage_number = excluded.stage_number, execution_group = excluded.execution_group, generation =
            excluded.generation, attempt = excluded.attempt, waiting_on = excluded.waiting_on, max_wait_until =
            excluded.max_wait_until, started_at = excluded.started_at, completed_at = excluded.completed_at
    ),
    jobs AS (
        INSERT INTO {schema}.job_queue AS q
            (workflow_run_id, stage_id, workflow_id, definition_fingerprint, status, worker_id, generation,
            priority, attempt, max_attempts, lease_epoch, woken, leased_until, run_at)
        SELECT workflow_run_id, stage_id, workflow_id, definition_fingerprint, status, worker_id, generation,
            priority, attempt, max_attempts, lease_epoch, woken <> 0, leased_until, run_at
        FROM unnest(
            $45, $46, $47, $48, $49, $50, $51, $52, $53, $54, $55, $56, $57, $58
        ) AS n (workflow_run_id, stage_id, workflow_id, definition_fingerprint, status, worker_id, generation,
            priority, attempt, max_attempts, lease_epoch, woken, leased_until, run_at)
        WHERE (SELECT is_fit FROM checked)
        ON CONFLICT (workflow_run_id, stage_id) DO UPDATE
        SET workflow_id = excluded.workflow_id, definition_fingerprint = excluded.definition_fingerprint, status
            = excluded.status, worker_id = excluded.worker_id, generation = excluded.generation, priority =
            excluded.priority, attempt = excluded.attempt, max_attempts = excluded.max_attempts, lease_epoch =
            excluded.lease_epoch, woken = excluded.woken, run_at = excluded.run_at,
            leased_until = CASE
                WHEN q.status = 'RUNNING' AND excluded.status = 'RUNNING' AND q.lease_epoch = excluded.lease_epoch
                    AND q.generation = excluded.generation
                THEN greatest(q.leased_until, excluded.leased_until) ELSE excluded.leased_until END
    ),
    deleted_jobs AS (
        DELETE FROM {schema}.job_queue AS j USING unnest($59, $60) AS n (workflow_run_id, stage_id)
        WHERE j.workflow_run_id = n.workflow_run_id AND j.stage_id = n.stage_id
            AND (SELECT is_fit FROM checked)
    ),
    events AS (
        INSERT INTO {schema}.outbox_events (workflow_run_id, event_type, payload, sequence, occurred_at, published_at)
        SELECT * FROM unnest($61, $62, $63, $64, $65, $66) WHERE (SELECT is_fit FROM checked)
    ),
    keys AS (
        INSERT INTO {schema}.idempotency_keys (workflow_run_id, command, key, request_hash, result, created_at)
        SELECT * FROM unnest($67, $68, $69, $70, $71, $72) WHERE (SELECT is_fit FROM checked)
    ),
    logs AS (
        INSERT INTO {schema}.workflow_logs (workflow_run_id, stage_id, level, message, metadata, attempt, created_at)
        SELECT * FROM unnest($73, $74, $75, $76, $77, $78, $79) WHERE (SELECT is_fit FROM checked)
    ),
    payloads AS (
        INSERT INTO {schema}.blobs (workflow_run_id, key, value, created_at)
        SELECT * FROM unnest($80, $81, $82, $83) WHERE (SELECT is_fit FROM checked)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, created_at = excluded.created_at
    )
    SELECT is_fit, clock_timestamp() FROM checked";

/// Apart from the others, for hardly any commit has one.
pub(super) const ANSWER_KEYS: &str = "
    UPDATE {schema}.idempotency_keys AS k SET result = n.result
    FROM unnest($1, $2, $3) AS n (command, key, result)
    WHERE k.command = n.command AND k.key = n.key";

/// What the statement compares before it writes.
#[derive(Default)]
struct Expected {
    runs: Vec<Uuid>,
    commits: Vec<i64>,
    now: Option<DateTime<Utc>>,
}

/// Writes what has changed, in a transaction that holds its locks. Idempotency keys are written in key order: two
/// transactions that write the same ones wait for each other only in that order.
pub(super) async fn write(
    transaction: &mut Transaction<'_>,
    set: &WorkingSet,
    step: i64,
) -> Result<(), Failure> {
    answer_keys(transaction, set).await?;
    let is_written = write_if(transaction, set, step, Expected::default()).await?;
    // A key has been taken since they were read.
    if is_written { Ok(()) } else { Err(Failure::overtaken(DOING)) }
}

/// Writes what has changed, if the runs are still as they were; answers whether they were. The set was made at `now`
/// by the database's clock, if it is that which counts.
pub(super) async fn write_at_once(
    transaction: &mut Transaction<'_>,
    set: &WorkingSet,
    step: i64,
    now: Option<DateTime<Utc>>,
) -> Result<bool, Failure> {
    let stored = sorted(set).into_iter().filter(|(_, rows)| rows.created.is_none() && is_touched(rows));
    let (runs, commits) = stored.map(|(run_id, rows)| (*run_id.as_uuid(), rows.commits)).unzip();
    write_if(transaction, set, step, Expected { runs, commits, now }).await
}

async fn write_if(
    transaction: &mut Transaction<'_>,
    set: &WorkingSet,
    step: i64,
    expected: Expected,
) -> Result<bool, Failure> {
    let deliver_events = transaction.database.deliver_events.load(Ordering::Relaxed);
    let mut runs = Runs::new();
    let (mut stages, mut jobs, mut deleted) =
        (Rows::<8, 5, 3>::new(), Rows::<5, 6, 2>::new(), Rows::<1, 0, 0>::new());
    for (run_id, rows) in sorted(set) {
        push_run(&mut runs, rows);
        for (stage_id, rows) in &rows.stages {
            push_stage(&mut stages, rows);
            match rows.job.fate() {
                Fate::Insert(job) | Fate::Update(job) => push_job(&mut jobs, job),
                Fate::Delete => deleted.push(run_id, [Some(stage_id)], [], []),
                Fate::Keep => {}
            }
        }
    }
    let payloads = set.events.iter().map(|event| event.kind.payload()).collect::<Result<Vec<_>, _>>();
    let payloads = payloads.map_err(|error| Failure::lasting(DOING, error))?;
    let mut events = Rows::<2, 1, 2>::new();
    for (event, payload) in set.events.iter().zip(&payloads) {
        let published = (!deliver_events).then_some(event.at);
        let texts = [Some(event.kind.name()), Some(payload.as_str())];
        events.push(event.run_id, texts, [Some(number(event.sequence))], [Some(event.at), published]);
    }
    let keys = keys(set);
    let mut logs = Rows::<4, 1, 1>::new();
    for line in &set.logs {
        let texts = [&line.stage_id, line.level.as_str(), &line.message, line.fields.as_str()];
        logs.push(line.run_id, texts.map(Some), [Some(i64::from(line.attempt))], [Some(line.at)]);
    }
    // One statement writes a row once: of several puts the last one counts.
    let mut blobs = Rows::<2, 0, 1>::new();
    for (at, blob) in set.blobs.iter().enumerate() {
        if !set.blobs[at + 1..].iter().any(|later| later.key == blob.key) {
            blobs.push(blob.run_id, [Some(&blob.key.0), Some(blob.value.as_str())], [], [Some(blob.at)]);
        }
    }
    if runs.is_empty() && keys.is_empty() && logs.is_empty() && blobs.is_empty() {
        return Ok(true);
    }
    let Expected { runs: expected, commits, now } = expected;
    let query = transaction.query(|sql| &sql.write).bind(expected).bind(commits).bind(now).bind(step);
    let query = deleted.bind(jobs.bind(stages.bind(runs.bind(query))));
    let query = blobs.bind(logs.bind(keys.bind(events.bind(query))));
    let row = transaction.fetch_one(DOING, query).await?;
    let unreadable = |error| Failure::database(DOING, error);
    transaction.database.clock_here.hear(row.try_get(1).map_err(unreadable)?);
    row.try_get(0).map_err(unreadable)
}

/// The runs in the order of their ids.
fn sorted(set: &WorkingSet) -> Vec<(RunId, &RunRows)> {
    let mut runs: Vec<_> = set.runs.iter().map(|(run_id, rows)| (*run_id, rows)).collect();
    runs.sort_by_key(|(run_id, _)| *run_id);
    runs
}

type Runs<'a> = Rows<'a, 12, 7, 3>;

fn push_run<'a>(runs: &mut Runs<'a>, rows: &'a RunRows) {
    let Some(run) = rows.run.get().filter(|_| is_touched(rows)) else { return };
    let created = rows.created.as_ref().filter(|_| matches!(rows.run.fate(), Fate::Insert(_)));
    let new = |text: fn(&crate::ports::NewRun) -> &str| created.map(text);
    let RunRecord { error, .. } = run;
    let (output, output_blob) = value(run.output.as_ref());
    runs.push(
        run.id,
        [
            Some(run.status.as_str()),
            output,
            output_blob,
            error.as_ref().map(|error| error.code.as_str()),
            error.as_ref().map(|error| error.message.as_str()),
            run.cancel_reason.as_deref(),
            created.map(|_| run.workflow_id.as_str()),
            new(|new| &new.workflow_name),
            created.map(|_| run.definition_fingerprint.as_str()),
            new(|new| new.request.input.as_str()),
            new(|new| new.request.config.as_str()),
            created.and_then(|new| new.request.metadata.as_ref()).map(Json::as_str),
        ],
        [
            Some(number(run.version)),
            Some(i64::from(run.generation)),
            Some(number(run.last_sequence)),
            Some(i64::from(run.waiting_on)),
            Some(i64::from(run.active)),
            Some(i64::from(run.suspended)),
            created.map(|_| i64::from(run.priority)),
        ],
        [run.started_at, run.completed_at, created.map(|_| run.created_at)],
    );
}

fn push_stage<'a>(stages: &mut Rows<'a, 8, 5, 3>, rows: &'a StageRows) {
    let (Fate::Insert(stage) | Fate::Update(stage)) = rows.stage.fate() else { return };
    let StageRecord { run_id, stage_id, stage_name, .. } = stage;
    let (ticket, ticket_blob) = value(stage.ticket.as_ref());
    let (output, output_blob) = value(stage.output.as_ref());
    let error = stage.error_message.as_deref();
    let status = stage.status.as_str();
    stages.push(
        *run_id,
        [Some(stage_id), Some(stage_name), Some(status), ticket, ticket_blob, output, output_blob, error],
        [stage.stage_number, stage.execution_group, stage.generation, stage.attempt, stage.waiting_on]
            .map(|number| Some(i64::from(number))),
        [stage.give_up_at, stage.started_at, stage.completed_at],
    );
}

fn push_job<'a>(jobs: &mut Rows<'a, 5, 6, 2>, job: &'a JobRecord) {
    let JobRecord { stage_id, workflow_id, definition_fingerprint, .. } = job;
    let status = job.status.as_str();
    jobs.push(
        job.run_id,
        [
            Some(stage_id),
            Some(workflow_id),
            Some(definition_fingerprint),
            Some(status),
            job.worker_id.as_deref(),
        ],
        [
            Some(i64::from(job.generation)),
            Some(i64::from(job.priority)),
            Some(i64::from(job.attempt)),
            Some(i64::from(job.max_attempts)),
            Some(number(job.lease_epoch)),
            Some(i64::from(job.woken)),
        ],
        [job.leased_until, Some(job.run_at)],
    );
}

fn keys(set: &WorkingSet) -> Rows<'_, 4, 0, 1> {
    let mut inserted: Vec<_> = set.inserted_keys().collect();
    inserted.sort_by_key(|(command, key, _)| (*command, *key));
    let mut keys = Rows::new();
    for (command, key, row) in inserted {
        let Some((run_id, at)) = row.inserted else { continue };
        let texts = [command, key, &row.request_hash, row.result.as_str()];
        keys.push(run_id, texts.map(Some), [], [Some(at)]);
    }
    keys
}

async fn answer_keys(transaction: &mut Transaction<'_>, set: &WorkingSet) -> Result<(), Failure> {
    let mut answered: Vec<_> = set.answered_keys().collect();
    if answered.is_empty() {
        return Ok(());
    }
    answered.sort_by_key(|(command, key, _)| (*command, *key));
    let (mut commands, mut keys, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for (command, key, row) in answered {
        commands.push(command);
        keys.push(stored(key).into_owned());
        results.push(stored(row.result.as_str()).into_owned());
    }
    let query = transaction.query(|sql| &sql.answer_keys).bind(commands).bind(keys).bind(results);
    transaction.execute(DOING, query).await
}
