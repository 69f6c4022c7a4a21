//! Reads rows as records.
//!
//! On the connections that read, a wide row is one JSON array. sqlx copies every column separately and sends each row
//! from its thread to ours, which for many rows costs more than the work of the database.

use std::borrow::Cow;
use std::error::Error as StdError;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::cells::{Cell, ReadRow};
use super::failure::Failure;
use crate::stores::rows::{FromColumns, ReadColumns};
use crate::value::RunId;

/// A row as one JSON array, in the place of [`flat_row`](crate::stores::rows::flat_row).
macro_rules! json_row {
    ($columns:ident) => {
        concat!("json_array(", $columns!(flat_row), ")")
    };
}

/// The number of the first event in the commit that has the event with this number.
macro_rules! commit_of {
    ($run:literal, $sequence:literal) => {
        concat!(
            "(SELECT max(o.sequence) FROM {prefix}commits AS o WHERE o.workflow_run_id = ",
            $run,
            " AND o.sequence <= ",
            $sequence,
            ")"
        )
    };
}

pub(super) use {commit_of, json_row};

/// Reads a row column by column.
pub(super) fn record<'r, R: FromColumns>(row: impl Into<ReadRow<'r>>) -> Result<R, Failure> {
    R::from_columns(&mut Columns::new(row, R::TABLE, 0))
}

/// Reads rows column by column.
pub(super) fn records<R: FromColumns>(rows: &[SqliteRow]) -> Result<Vec<R>, Failure> {
    rows.iter().map(record).collect()
}

/// Reads the rows of a statement that returns one JSON array for each.
pub(super) fn json_records<R: FromColumns>(rows: &[SqliteRow]) -> Result<Vec<R>, Failure> {
    let read = |row| {
        let cells = serde_json::from_str(row).map_err(|error| undecodable::<R>(error))?;
        record(ReadRow::Json(cells))
    };
    rows.iter().map(|row| read(row.try_get(0).map_err(|error| undecodable::<R>(error))?)).collect()
}

/// Reads a JSON array of rows.
pub(super) fn all_json_records<R: FromColumns>(text: &str) -> Result<Vec<R>, Failure> {
    let rows: Vec<Vec<Cell<'_>>> = serde_json::from_str(text).map_err(|error| undecodable::<R>(error))?;
    rows.into_iter().map(|cells| record(ReadRow::Json(cells))).collect()
}

fn undecodable<R: FromColumns>(error: impl StdError + Send + Sync + 'static) -> Failure {
    Failure::unreadable(R::TABLE, "*", "(unknown)", error)
}

/// The columns of a row, read from left to right.
pub(super) struct Columns<'r> {
    row: ReadRow<'r>,
    table: &'static str,
    next: usize,
    run: Option<RunId>,
}

impl<'r> Columns<'r> {
    /// Reads from the `first` column on; 0 is the leftmost.
    pub(super) fn new(row: impl Into<ReadRow<'r>>, table: &'static str, first: usize) -> Self {
        Self { row: row.into(), table, next: first, run: None }
    }

    fn next(&mut self, column: &'static str) -> Result<Cell<'r>, Failure> {
        let index = self.next;
        self.next += 1;
        self.row.take(index).map_err(|error| self.unreadable(column, error))
    }

    fn maybe_str(&mut self, column: &'static str) -> Result<Option<Cow<'r, str>>, Failure> {
        match self.next(column)? {
            Cell::Null => Ok(None),
            Cell::Text(text) => Ok(Some(text)),
            Cell::Int(number) => Err(self.unreadable(column, format!("{number} is not a text"))),
        }
    }
}

impl ReadColumns for Columns<'_> {
    type Failure = Failure;

    fn run_id(&mut self) -> Result<RunId, Failure> {
        const COLUMN: &str = "workflow_run_id";

        let text = self.maybe_str(COLUMN)?.ok_or_else(|| self.missing(COLUMN))?;
        let run_id = text.parse().map_err(|error: crate::Error| self.unreadable(COLUMN, error))?;
        // Errors of later columns name it.
        self.run = Some(run_id);
        Ok(run_id)
    }

    fn maybe_run_id(&mut self, column: &'static str) -> Result<Option<RunId>, Failure> {
        let Some(text) = self.maybe_str(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|error: crate::Error| self.unreadable(column, error))
    }

    fn maybe_text(&mut self, column: &'static str) -> Result<Option<String>, Failure> {
        Ok(self.maybe_str(column)?.map(Cow::into_owned))
    }

    fn maybe_number(&mut self, column: &'static str) -> Result<Option<i64>, Failure> {
        match self.next(column)? {
            Cell::Null => Ok(None),
            Cell::Int(number) => Ok(Some(number)),
            Cell::Text(text) => Err(self.unreadable(column, format!("`{text}` is not a number"))),
        }
    }

    fn maybe_instant(&mut self, column: &'static str) -> Result<Option<DateTime<Utc>>, Failure> {
        let Some(microseconds) = self.maybe_number(column)? else { return Ok(None) };
        let instant = DateTime::from_timestamp_micros(microseconds);
        let beyond = || self.unreadable(column, format!("{microseconds} is beyond the calendar"));
        Ok(Some(instant.ok_or_else(beyond)?))
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
