//! Reads rows as records.
//!
//! Every statement returns rows of one shape: the run's id, then an array of texts, one of numbers and one of instants.
//! So one statement can return rows of several tables in one round trip, and nothing passes through JSON.

use std::error::Error as StdError;
use std::vec::IntoIter;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::failure::Failure;
use super::text::original;
use crate::stores::rows::{FromColumns, ReadColumns, StoredRun};
use crate::value::RunId;

/// The columns from which the request of a run is read; the statement calls the table `q`.
macro_rules! request_row {
    () => {
        "q.workflow_run_id, ARRAY[q.input, q.config, q.metadata], ARRAY[]::bigint[], ARRAY[]::timestamptz[]"
    };
}

pub(super) use request_row;

/// Reads a row.
pub(super) fn record<R: FromColumns>(row: &PgRow) -> Result<R, Failure> {
    R::from_columns(&mut Columns::new(row, R::TABLE)?)
}

/// Reads rows.
pub(super) fn records<R: FromColumns>(rows: &[PgRow]) -> Result<Vec<R>, Failure> {
    rows.iter().map(record).collect()
}

/// Reads a run, and the `commits` of its row, which is the last number.
pub(super) fn run_with_commits(row: &PgRow) -> Result<(StoredRun, i64), Failure> {
    let mut columns = Columns::new(row, StoredRun::TABLE)?;
    Ok((StoredRun::from_columns(&mut columns)?, columns.int("commits")?))
}

/// The columns of a row. Each kind of value is read from left to right.
pub(super) struct Columns {
    table: &'static str,
    run: Option<Uuid>,
    texts: IntoIter<Option<String>>,
    numbers: IntoIter<Option<i64>>,
    instants: IntoIter<Option<DateTime<Utc>>>,
}

impl Columns {
    /// Splits a row of the shape that every statement returns.
    pub(super) fn new(row: &PgRow, table: &'static str) -> Result<Self, Failure> {
        let unreadable = |error: sqlx::Error| Failure::unreadable(table, "*", "(unknown)", error);
        Ok(Self {
            table,
            run: row.try_get(0).map_err(unreadable)?,
            texts: row.try_get::<Vec<_>, _>(1).map_err(unreadable)?.into_iter(),
            numbers: row.try_get::<Vec<_>, _>(2).map_err(unreadable)?.into_iter(),
            instants: row.try_get::<Vec<_>, _>(3).map_err(unreadable)?.into_iter(),
        })
    }

    /// Reads the texts that are left.
    pub(super) fn texts(&mut self) -> Vec<String> {
        self.texts.by_ref().flatten().map(original).collect()
    }
}

impl ReadColumns for Columns {
    type Failure = Failure;

    fn run_id(&mut self) -> Result<RunId, Failure> {
        let id = self.run.ok_or_else(|| self.missing("workflow_run_id"))?;
        Ok(RunId::from_uuid(id))
    }

    fn maybe_run_id(&mut self, _: &'static str) -> Result<Option<RunId>, Failure> {
        Ok(self.run.map(RunId::from_uuid))
    }

    fn maybe_text(&mut self, _: &'static str) -> Result<Option<String>, Failure> {
        Ok(self.texts.next().flatten().map(original))
    }

    fn maybe_number(&mut self, _: &'static str) -> Result<Option<i64>, Failure> {
        Ok(self.numbers.next().flatten())
    }

    fn maybe_instant(&mut self, _: &'static str) -> Result<Option<DateTime<Utc>>, Failure> {
        Ok(self.instants.next().flatten())
    }

    fn unreadable(
        &self,
        column: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Failure {
        let run = self.run.map_or_else(|| "(unknown)".to_owned(), |run| run.to_string());
        Failure::unreadable(self.table, column, run, source)
    }
}
