//! Writing back what a transaction has changed: one statement, whatever the number of rows.

use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use sqlx::Row;
use uuid::Uuid;

use super::arrays::{Rows, number};
use super::failure::Failure;
use super::known::is_touched;
use super::parts::Parts;
use super::rows::RowsOfRuns;
use super::text::stored;
use super::transaction::Transaction;
use crate::id::RunId;
use crate::stores::working_set::{RunRows, WorkingSet};

const DOING: &str = "write a commit";

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
    let mut rows = RowsOfRuns::default();
    for (run_id, run) in sorted(set).into_iter().filter(|(_, run)| is_touched(run)) {
        rows.push(run_id, run);
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
    let parts = Parts {
        keys: !keys.is_empty(),
        runs: !rows.new.is_empty(),
        stages: !rows.new_stages.is_empty(),
        moved: !rows.moved.is_empty(),
        requeued: !rows.requeued.is_empty(),
        said: !logs.is_empty() || !blobs.is_empty(),
    };
    if parts == Parts::default() {
        return Ok(true);
    }
    let Expected { runs: expected, commits, now } = expected;
    let query = transaction.query(|sql| sql.write.of(parts));
    let query = query.bind(expected).bind(commits).bind(now).bind(step);
    // In the order of `Parts::texts`.
    let query = if parts.keys { keys.bind(query) } else { query };
    let query = events.bind(rows.jobs.bind(query));
    let query = if parts.runs { rows.new.bind(query) } else { query };
    let query = if parts.stages { rows.new_stages.bind(query) } else { query };
    let query =
        if parts.moved { rows.done.bind(rows.moved_stages.bind(rows.moved.bind(query))) } else { query };
    let query = if parts.requeued { rows.requeued.bind(query) } else { query };
    let query = if parts.said { blobs.bind(logs.bind(query)) } else { query };
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
