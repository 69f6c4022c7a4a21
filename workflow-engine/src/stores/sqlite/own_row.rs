//! Rows of the connections that read, and rows of the one that writes: two libraries' rows with one face.

use std::borrow::Cow;
use std::error::Error as StdError;

use rusqlite::types::{FromSql, Value, ValueRef};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// A row that the connection that writes has answered.
pub(super) struct OwnRow(Vec<Value>);

/// A row of either.
#[derive(Clone, Copy)]
pub(super) enum ReadRow<'r> {
    Reader(&'r SqliteRow),
    Writer(&'r OwnRow),
}

type Unfit = Box<dyn StdError + Send + Sync>;

/// What a column is read as.
pub(super) trait Column<'r>: Sized {
    /// The column at `index`.
    fn read(row: ReadRow<'r>, index: usize) -> Result<Self, Unfit>;
}

impl OwnRow {
    /// Copies a row, which is gone with the next step of its statement.
    pub(super) fn copy(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        (0..row.as_ref().column_count()).map(|index| row.get(index)).collect::<Result<_, _>>().map(Self)
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>, Unfit> {
        let value = self.0.get(index).ok_or_else(|| format!("there is no column {index}"))?;
        Ok(ValueRef::from(value))
    }
}

impl<'r> From<&'r SqliteRow> for ReadRow<'r> {
    fn from(row: &'r SqliteRow) -> Self {
        Self::Reader(row)
    }
}

impl<'r> From<&'r OwnRow> for ReadRow<'r> {
    fn from(row: &'r OwnRow) -> Self {
        Self::Writer(row)
    }
}

impl<'r> Column<'r> for &'r str {
    fn read(row: ReadRow<'r>, index: usize) -> Result<Self, Unfit> {
        match row {
            ReadRow::Reader(row) => Ok(row.try_get(index)?),
            ReadRow::Writer(row) => Ok(row.value(index)?.as_str()?),
        }
    }
}

impl<'r> Column<'r> for Option<&'r str> {
    fn read(row: ReadRow<'r>, index: usize) -> Result<Self, Unfit> {
        match row {
            ReadRow::Reader(row) => Ok(row.try_get(index)?),
            ReadRow::Writer(row) => Ok(row.value(index)?.as_str_or_null()?),
        }
    }
}

macro_rules! columns {
    ($($own:ty),*) => {$(
        impl<'r> Column<'r> for $own {
            fn read(row: ReadRow<'r>, index: usize) -> Result<Self, Unfit> {
                match row {
                    ReadRow::Reader(row) => Ok(row.try_get(index)?),
                    ReadRow::Writer(row) => Ok(FromSql::column_result(row.value(index)?)?),
                }
            }
        }
    )*};
}

columns!(String, Option<String>, i64, Option<i64>, Option<u32>);

/// The columns of a row that is still with its statement, from left to right.
pub(super) struct Cells<'a> {
    row: &'a rusqlite::Row<'a>,
    next: usize,
}

impl<'a> Cells<'a> {
    pub(super) fn new(row: &'a rusqlite::Row<'a>) -> Self {
        Self { row, next: 0 }
    }

    /// The next one.
    pub(super) fn get<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    /// A text.
    pub(super) fn text(&mut self) -> rusqlite::Result<Cow<'a, str>> {
        self.next += 1;
        Ok(Cow::Borrowed(self.row.get_ref(self.next - 1)?.as_str()?))
    }

    /// A number that has no sign: SQLite's have one.
    pub(super) fn unsigned(&mut self) -> rusqlite::Result<u64> {
        let number: i64 = self.get()?;
        u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(self.next - 1, number))
    }
}
