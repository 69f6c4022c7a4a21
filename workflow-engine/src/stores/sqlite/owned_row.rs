//! One interface to the rows of two libraries: sqlx on the connections that read, rusqlite on the one that writes.

use std::borrow::Cow;
use std::error::Error as StdError;

use rusqlite::types::{FromSql, Value, ValueRef};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// A copied row of the connection that writes.
pub(super) struct OwnedRow(Vec<Value>);

/// A row of either library.
#[derive(Clone, Copy)]
pub(super) enum ReadRow<'r> {
    Reader(&'r SqliteRow),
    Writer(&'r OwnedRow),
}

type ReadError = Box<dyn StdError + Send + Sync>;

/// A type that a column can be read as.
pub(super) trait Column<'r>: Sized {
    /// Reads the column at `index`.
    fn read(row: ReadRow<'r>, index: usize) -> Result<Self, ReadError>;
}

impl OwnedRow {
    /// Copies a row, because the next step of its statement overwrites it.
    pub(super) fn copy(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        (0..row.as_ref().column_count()).map(|index| row.get(index)).collect::<Result<_, _>>().map(Self)
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>, ReadError> {
        let value = self.0.get(index).ok_or_else(|| format!("there is no column {index}"))?;
        Ok(ValueRef::from(value))
    }
}

impl<'r> From<&'r SqliteRow> for ReadRow<'r> {
    fn from(row: &'r SqliteRow) -> Self {
        Self::Reader(row)
    }
}

impl<'r> From<&'r OwnedRow> for ReadRow<'r> {
    fn from(row: &'r OwnedRow) -> Self {
        Self::Writer(row)
    }
}

impl<'r> Column<'r> for &'r str {
    fn read(row: ReadRow<'r>, index: usize) -> Result<Self, ReadError> {
        match row {
            ReadRow::Reader(row) => Ok(row.try_get(index)?),
            ReadRow::Writer(row) => Ok(row.value(index)?.as_str()?),
        }
    }
}

impl<'r> Column<'r> for Option<&'r str> {
    fn read(row: ReadRow<'r>, index: usize) -> Result<Self, ReadError> {
        match row {
            ReadRow::Reader(row) => Ok(row.try_get(index)?),
            ReadRow::Writer(row) => Ok(row.value(index)?.as_str_or_null()?),
        }
    }
}

macro_rules! columns {
    ($($own:ty),*) => {$(
        impl<'r> Column<'r> for $own {
            fn read(row: ReadRow<'r>, index: usize) -> Result<Self, ReadError> {
                match row {
                    ReadRow::Reader(row) => Ok(row.try_get(index)?),
                    ReadRow::Writer(row) => Ok(FromSql::column_result(row.value(index)?)?),
                }
            }
        }
    )*};
}

columns!(String, Option<String>, i64, Option<i64>, Option<u32>);

/// Reads the columns of a row that its statement still holds, from left to right.
pub(super) struct Cells<'a> {
    row: &'a rusqlite::Row<'a>,
    next: usize,
}

impl<'a> Cells<'a> {
    pub(super) fn new(row: &'a rusqlite::Row<'a>) -> Self {
        Self { row, next: 0 }
    }

    /// Reads the next column.
    pub(super) fn get<T: FromSql>(&mut self) -> rusqlite::Result<T> {
        self.next += 1;
        self.row.get(self.next - 1)
    }

    /// Reads the next column as a text.
    pub(super) fn text(&mut self) -> rusqlite::Result<Cow<'a, str>> {
        self.next += 1;
        Ok(Cow::Borrowed(self.row.get_ref(self.next - 1)?.as_str()?))
    }

    /// Reads the next column as an unsigned number. SQLite's integers are signed.
    pub(super) fn unsigned(&mut self) -> rusqlite::Result<u64> {
        let number: i64 = self.get()?;
        u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(self.next - 1, number))
    }
}
