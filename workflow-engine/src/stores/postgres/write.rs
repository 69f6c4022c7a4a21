//! Writes the rows that a transaction has changed: any number of them in one statement.

use chrono::{DateTime, Utc};
use sqlx::Row;
use uuid::Uuid;

use super::failure::Failure;
use super::guard_sql::Guard;
use super::transaction::Transaction;
use super::write_batch::WriteBatch;
use super::write_sql::{StatementForm, StatementParts};
use crate::stores::working_set::{RunRows, WorkingSet};
use crate::value::{IdSet, RunId};

const ACTION: &str = "write a commit";

/// The values that the statement compares before it writes. The default compares nothing.
#[derive(Default)]
pub(super) struct Comparison {
    runs: Vec<Uuid>,
    commits: Vec<i64>,
    now: Option<DateTime<Utc>>,
}

impl Comparison {
    /// Compares the `commits` of all runs that change or about which decisions were `applied`, and the instant of the
    /// decisions; `None` is for the clock of a test.
    pub(super) fn new(set: &WorkingSet, applied: &IdSet<RunId>, now: Option<DateTime<Utc>>) -> Self {
        let is_compared = |(run_id, rows): &(&RunId, &RunRows)| {
            rows.created.is_none() && (rows.has_changes() || applied.contains(run_id))
        };
        let mut runs: Vec<_> = set.runs.iter().filter(is_compared).collect();
        runs.sort_by_key(|(run_id, _)| **run_id);
        let (runs, commits) =
            runs.into_iter().map(|(run_id, rows)| (*run_id.as_uuid(), rows.commits)).unzip();
        Self { runs, commits, now }
    }
}

/// Writes the changed rows of runs whose `commits` is still as in `set`, and returns the other, stale runs. Returns
/// `None` where nothing is written: an idempotency key is taken, or the instant differs from the database's.
pub(super) async fn write(
    transaction: &mut Transaction,
    set: &WorkingSet,
    step: i64,
    comparison: Comparison,
) -> Result<Option<IdSet<RunId>>, Failure> {
    let rows = WriteBatch::new(set)?;
    let parts = rows.parts();
    if parts == StatementParts::default() && comparison.runs.is_empty() {
        return Ok(Some(IdSet::default()));
    }
    let Comparison { runs, commits, now } = comparison;
    let writes_one_run = parts.counts != parts.updated_runs && !parts.runs && !parts.keys;
    let guard = match runs.len() {
        0 => Guard::Nothing,
        1 if writes_one_run => Guard::Update,
        _ => Guard::Locks,
    };
    let query = transaction
        .database
        .write_query(StatementForm { guard, parts })
        .bind(runs)
        .bind(commits)
        .bind(now)
        .bind(step);
    let query = query.bind(transaction.database.test_now());
    let query = rows.bind(query, &transaction.database.row_types);
    let row = transaction.fetch_one(ACTION, query).await?;
    let unreadable = |error| Failure::database(ACTION, error);
    let (is_writable, stale): (bool, Vec<Uuid>) =
        (row.try_get(0).map_err(unreadable)?, row.try_get(1).map_err(unreadable)?);
    transaction.database.clock_estimate.observe(row.try_get(2).map_err(unreadable)?);
    Ok(is_writable.then(|| stale.into_iter().map(RunId::from_uuid).collect()))
}
