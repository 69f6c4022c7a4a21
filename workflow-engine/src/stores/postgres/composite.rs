//! Rows of a composite type, encoded as one array argument.
//!
//! Unpacking an array of rows costs the server a tenth of what one array for each column costs, and here the rows are
//! encoded into the message as they are pushed. The encoding is PostgreSQL's binary format of composite values
//! (`record_send`): the number of columns, then the type, the length and the bytes of each value. The values are written
//! here and not by their implementations of `Encode`, which need a description of the type of each: a commit has hundreds.

use chrono::{DateTime, Utc};
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgBindIterExt, PgTypeInfo};
use sqlx::{Postgres, Type};
use uuid::Uuid;

use super::arrays::PgQuery;
use super::composite_types::RowType;
use super::text::stored;
use crate::stores::rows::{WriteColumns, number};

/// The bytes of an ordinary row, and the rows of an ordinary commit under load: space that is taken at once.
const ROW_BYTES: usize = 512;
const ROWS: usize = 8;

/// The instant from which PostgreSQL counts microseconds, 2000-01-01 00:00 UTC, in microseconds of the Unix epoch.
const EPOCH: i64 = 946_684_800_000_000;

/// The types of the columns, by their `oid` in `pg_type`, which never changes.
#[derive(Clone, Copy)]
enum ColumnType {
    Bool = 16,
    Int8 = 20,
    Text = 25,
    Timestamptz = 1184,
    Uuid = 2950,
}

/// Encoded rows of one kind.
#[derive(Default)]
pub(super) struct CompositeRows {
    bytes: Vec<u8>,
    /// The end of each row in `bytes`.
    ends: Vec<usize>,
    /// Whether a value is longer than the format allows.
    is_too_long: bool,
}

/// A row while it is encoded: its columns are added in the order of its type.
pub(super) struct CompositeRow<'a> {
    rows: &'a mut CompositeRows,
    columns: i32,
}

impl CompositeRows {
    /// Adds a row.
    pub(super) fn push(&mut self, fill: impl FnOnce(&mut CompositeRow<'_>)) {
        if self.bytes.capacity() - self.bytes.len() < ROW_BYTES {
            self.bytes.reserve(ROWS * ROW_BYTES);
        }
        let start = self.bytes.len();
        // The number of columns is filled in below.
        self.bytes.extend_from_slice(&[0; 4]);
        let mut row = CompositeRow { rows: self, columns: 0 };
        fill(&mut row);
        let columns = row.columns;
        self.bytes[start..start + 4].copy_from_slice(&columns.to_be_bytes());
        self.ends.push(self.bytes.len());
    }

    /// Returns whether there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Binds the rows to a statement.
    pub(super) fn bind<'q>(self, query: PgQuery<'q>, row_type: &RowType) -> PgQuery<'q> {
        query.bind(Array { rows: self, row_type: row_type.clone() })
    }
}

impl WriteColumns for CompositeRow<'_> {
    fn uuid(&mut self, id: Uuid) -> &mut Self {
        self.maybe_uuid(Some(id))
    }

    fn maybe_uuid(&mut self, id: Option<Uuid>) -> &mut Self {
        self.column(ColumnType::Uuid, id.as_ref().map(|id| &id.as_bytes()[..]))
    }

    fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        let text = text.map(stored);
        self.column(ColumnType::Text, text.as_ref().map(|text| text.as_bytes()))
    }

    fn maybe_int(&mut self, int: Option<impl TryInto<i64>>) -> &mut Self {
        let int = int.map(|int| number(int).to_be_bytes());
        self.column(ColumnType::Int8, int.as_ref().map(|bytes| &bytes[..]))
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        self.column(ColumnType::Bool, Some(&[u8::from(flag)]))
    }

    fn maybe_instant(&mut self, instant: Option<DateTime<Utc>>) -> &mut Self {
        // No instant of chrono is so far from both epochs that the difference could overflow.
        let since = instant.map(|instant| (instant.timestamp_micros() - EPOCH).to_be_bytes());
        self.column(ColumnType::Timestamptz, since.as_ref().map(|bytes| &bytes[..]))
    }
}

impl CompositeRow<'_> {
    fn column(&mut self, column_type: ColumnType, value: Option<&[u8]>) -> &mut Self {
        self.columns += 1;
        let CompositeRows { bytes, is_too_long, .. } = &mut *self.rows;
        bytes.extend_from_slice(&(column_type as u32).to_be_bytes());
        let Some(value) = value else {
            // The length of NULL.
            bytes.extend_from_slice(&(-1_i32).to_be_bytes());
            return self;
        };
        match i32::try_from(value.len()) {
            Ok(length) => {
                bytes.extend_from_slice(&length.to_be_bytes());
                bytes.extend_from_slice(value);
            }
            Err(_) => *is_too_long = true,
        }
        self
    }
}

/// Rows as an argument.
struct Array {
    rows: CompositeRows,
    row_type: RowType,
}

/// One row of the array.
struct Element<'a> {
    bytes: &'a [u8],
    row: &'a PgTypeInfo,
}

impl Type<Postgres> for Array {
    /// Never used: `produces` returns the type of each array.
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("record[]")
    }
}

impl Encode<'_, Postgres> for Array {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        if self.rows.is_too_long {
            return Err("a value of 2 GiB or more cannot be sent".into());
        }
        if self.rows.is_empty() {
            return Ok(IsNull::Yes);
        }
        let starts = std::iter::once(0).chain(self.rows.ends.iter().copied());
        let rows = starts.zip(&self.rows.ends);
        rows.map(|(start, end)| Element { bytes: &self.rows.bytes[start..*end], row: &self.row_type.row })
            .bind_iter()
            .encode(buffer)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.row_type.array.clone())
    }
}

impl Type<Postgres> for Element<'_> {
    /// Never used, as above.
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("record")
    }
}

impl Encode<'_, Postgres> for Element<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend_from_slice(self.bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.row.clone())
    }
}

#[cfg(test)]
#[path = "composite_tests.rs"]
mod tests;
