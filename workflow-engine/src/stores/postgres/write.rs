//! Writing back what a transaction has changed: one statement, whatever the number of rows.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use sqlx::Row;
use uuid::Uuid;

use super::failure::Failure;
use super::text::stored;
use super::transaction::Transaction;
use super::write_batch::{Written, sorted};
use super::write_sql::Parts;
use crate::stores::working_set::WorkingSet;
use crate::value::RunId;

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
    match write_if(transaction, set, step, Expected::default()).await? {
        Some(_) => Ok(()),
        // A key has been taken since they were read.
        None => Err(Failure::overtaken(DOING)),
    }
}

/// Writes what has changed of the runs that are still as they were, and answers those that are not; `None` where nothing
/// is written. The set was made at `now` by the database's clock, if it is that which counts.
pub(super) async fn write_at_once(
    transaction: &mut Transaction<'_>,
    set: &WorkingSet,
    step: i64,
    now: Option<DateTime<Utc>>,
) -> Result<Option<HashSet<RunId>>, Failure> {
    let stored = sorted(set).into_iter().filter(|(_, rows)| rows.created.is_none());
    let (runs, commits) = stored.map(|(run_id, rows)| (*run_id.as_uuid(), rows.commits)).unzip();
    write_if(transaction, set, step, Expected { runs, commits, now }).await
}

async fn write_if(
    transaction: &mut Transaction<'_>,
    set: &WorkingSet,
    step: i64,
    expected: Expected,
) -> Result<Option<HashSet<RunId>>, Failure> {
    let rows = Written::of(set, transaction.database.deliver_events.load(Ordering::Relaxed))?;
    let parts = rows.parts();
    if parts == Parts::default() {
        return Ok(Some(HashSet::new()));
    }
    let Expected { runs, commits, now } = expected;
    let query = transaction.query(|sql| sql.write.of(parts)).bind(runs).bind(commits).bind(now).bind(step);
    let query = rows.bind(query, &transaction.database.row_types);
    let row = transaction.fetch_one(DOING, query).await?;
    let unreadable = |error| Failure::database(DOING, error);
    let (is_fit, stale): (bool, Vec<Uuid>) =
        (row.try_get(0).map_err(unreadable)?, row.try_get(1).map_err(unreadable)?);
    transaction.database.clock_here.hear(row.try_get(2).map_err(unreadable)?);
    Ok(is_fit.then(|| stale.into_iter().map(RunId::from_uuid).collect()))
}

async fn answer_keys(transaction: &mut Transaction<'_>, set: &WorkingSet) -> Result<(), Failure> {
    let mut answered: Vec<_> = set.completed_keys().collect();
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
