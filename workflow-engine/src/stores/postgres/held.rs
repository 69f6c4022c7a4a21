//! Reading the runs whose owners hold jobs without rows.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::arrays::PgQuery;
use super::columns;
use super::database::Database;
use super::failure::Failure;
use crate::stores::rows::{StoredRun, run_columns};

/// Reads the runs whose owners hold jobs without rows, each with the database's time. They are no more than the slots of
/// all workers.
const HELD: &str = concat!(
    "SELECT ",
    run_columns!(array_row),
    ", coalesce($1, clock_timestamp()) FROM {schema}.workflow_runs AS r WHERE r.owner IS NOT NULL"
);

pub(super) const READ_HELD: &str = "read held jobs";

/// Returns the statement that reads the runs whose owners hold jobs without rows.
pub(super) fn held_query(database: &Database) -> PgQuery<'static> {
    database.query(HELD).bind(database.test_now())
}

/// Returns these runs and the database's time.
pub(super) fn held_runs(rows: &[PgRow]) -> Result<(Vec<StoredRun>, DateTime<Utc>), Failure> {
    let now = rows.first().map(|row| row.try_get(4)).transpose();
    let now = now.map_err(|error| Failure::database(READ_HELD, error))?.unwrap_or_default();
    Ok((columns::records(rows)?, now))
}
