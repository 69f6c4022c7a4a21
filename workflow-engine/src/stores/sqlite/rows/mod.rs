//! Reads runs, stages and jobs as records, and checks their values.
//!
//! On the connections that read, a wide row is one JSON array. sqlx copies every column separately and sends each row
//! from its thread to ours, which for many rows costs more than the work of the database.

mod run;
mod stage;
mod job;

use std::error::Error as StdError;

use serde::Deserialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

pub(super) use self::job::{JobRow, job_columns, job_row};
pub(super) use self::run::{RunRow, run_columns, run_row};
pub(super) use self::stage::{StageRow, stage_columns, stage_row};
use super::failure::Failure;
use super::owned_row::Cells;

/// A row that is read from a JSON array, whose values are in the order of the fields.
pub(super) trait JsonRow<'a>: Deserialize<'a> {
    /// The table.
    const TABLE: &'static str;
    /// The record.
    type Record;

    /// Reads the row column by column.
    fn read(columns: &mut Cells<'a>) -> rusqlite::Result<Self>;

    /// Checks the row and returns its record.
    fn record(self) -> Result<Self::Record, Failure>;
}

/// Reads a JSON array of rows.
pub(super) fn all<'a, R: JsonRow<'a>>(text: &'a str) -> Result<Vec<R::Record>, Failure> {
    let rows: Vec<R> = serde_json::from_str(text).map_err(|error| undecodable(R::TABLE, error))?;
    rows.into_iter().map(R::record).collect()
}

/// Reads a row of the connection that writes, column by column.
pub(super) fn of<'a, R: JsonRow<'a>>(row: &'a rusqlite::Row<'a>) -> Result<R::Record, Failure> {
    R::read(&mut Cells::new(row)).map_err(|error| undecodable(R::TABLE, error))?.record()
}

/// Reads the rows of a statement that returns one JSON array for each.
pub(super) fn each<'a, R: JsonRow<'a>>(rows: &'a [SqliteRow]) -> Result<Vec<R::Record>, Failure> {
    let decode = |row: &'a SqliteRow| {
        let text: &'a str = row.try_get(0).map_err(|error| undecodable(R::TABLE, error))?;
        serde_json::from_str::<R>(text).map_err(|error| undecodable(R::TABLE, error))?.record()
    };
    rows.iter().map(decode).collect()
}

fn undecodable(table: &'static str, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Failure {
    Failure::unreadable(table, "*", "(unknown)", error)
}
