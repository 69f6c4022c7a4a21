//! The values of a row, whichever library has read it: sqlx on the connections that read, rusqlite on the one that
//! writes.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use rusqlite::types::ValueRef;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo, ValueRef as _};

/// One value. The tables are strict and have no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell<'r> {
    Null,
    Int(i64),
    Text(Cow<'r, str>),
}

/// A row of the connection that writes, copied because the next step of its statement overwrites it.
#[derive(Debug)]
pub(super) struct OwnedRow(Vec<Cell<'static>>);

/// A row, of which each value is read once.
pub(super) enum ReadRow<'r> {
    Reader(&'r SqliteRow),
    Writer(&'r rusqlite::Row<'r>),
    Owned(&'r OwnedRow),
    /// The values of one JSON array.
    Json(Vec<Cell<'r>>),
}

pub(super) type ReadError = Box<dyn StdError + Send + Sync>;

impl OwnedRow {
    /// Copies a row.
    pub(super) fn copy(row: &rusqlite::Row<'_>) -> Result<Self, ReadError> {
        let columns = row.as_ref().column_count();
        let cells = (0..columns).map(|index| of_writer(row, index).map(Cell::into_owned));
        cells.collect::<Result<_, _>>().map(Self)
    }
}

impl<'r> ReadRow<'r> {
    /// Takes the value at `index`.
    pub(super) fn take(&mut self, index: usize) -> Result<Cell<'r>, ReadError> {
        let missing = || format!("there is no column {index}");
        match self {
            Self::Reader(row) => of_reader(row, index),
            Self::Writer(row) => of_writer(row, index),
            Self::Owned(row) => Ok(row.0.get(index).ok_or_else(missing)?.clone()),
            Self::Json(cells) => Ok(std::mem::replace(cells.get_mut(index).ok_or_else(missing)?, Cell::Null)),
        }
    }
}

fn of_reader(row: &SqliteRow, index: usize) -> Result<Cell<'_>, ReadError> {
    let value = row.try_get_raw(index)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    Ok(match value.type_info().name() {
        "INTEGER" => Cell::Int(row.try_get(index)?),
        _ => Cell::Text(Cow::Borrowed(row.try_get(index)?)),
    })
}

fn of_writer<'r>(row: &'r rusqlite::Row<'r>, index: usize) -> Result<Cell<'r>, ReadError> {
    Ok(match row.get_ref(index)? {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Int(number),
        value => Cell::Text(Cow::Borrowed(value.as_str()?)),
    })
}

impl Cell<'_> {
    fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Int(number) => Cell::Int(number),
            Self::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
        }
    }
}

impl<'r> From<&'r SqliteRow> for ReadRow<'r> {
    fn from(row: &'r SqliteRow) -> Self {
        Self::Reader(row)
    }
}

impl<'r> From<&'r rusqlite::Row<'r>> for ReadRow<'r> {
    fn from(row: &'r rusqlite::Row<'r>) -> Self {
        Self::Writer(row)
    }
}

impl<'r> From<&'r OwnedRow> for ReadRow<'r> {
    fn from(row: &'r OwnedRow) -> Self {
        Self::Owned(row)
    }
}

impl<'de> Deserialize<'de> for Cell<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CellVisitor;

        impl<'de> Visitor<'de> for CellVisitor {
            type Value = Cell<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, an integer or null")
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Cell::Null)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Cell::Int(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                i64::try_from(number).map(Cell::Int).map_err(E::custom)
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cell::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cell::Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_any(CellVisitor)
    }
}
