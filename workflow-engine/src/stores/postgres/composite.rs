//! Rows of a composite type as one argument.
//!
//! The server takes an array of rows apart at a tenth of what an array for each column costs it, and here they are
//! written into the message as they come. The format is the one in which the server itself sends rows: how many columns,
//! and each value with its type and its length.

use chrono::{DateTime, Utc};
use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgBindIterExt, PgTypeInfo};
use sqlx::{Postgres, Type};

use super::arrays::{PgQuery, number};
use super::composite_types::RowType;
use super::text::stored;
use crate::value::RunId;

/// Rows of one kind.
#[derive(Default)]
pub(super) struct Records {
    bytes: PgArgumentBuffer,
    /// Where each of them ends.
    ends: Vec<usize>,
    /// The first value that could not be written.
    failed: Option<BoxDynError>,
}

/// One of them, while it is written: its columns in the order of its type.
pub(super) struct Record<'a> {
    of: &'a mut Records,
    columns: i32,
}

impl Records {
    /// Adds a row.
    pub(super) fn push(&mut self, fill: impl FnOnce(&mut Record<'_>)) {
        let start = self.bytes.len();
        // The number of columns.
        self.bytes.extend_from_slice(&[0; 4]);
        let mut record = Record { of: self, columns: 0 };
        fill(&mut record);
        let columns = record.columns;
        self.bytes[start..start + 4].copy_from_slice(&columns.to_be_bytes());
        self.ends.push(self.bytes.len());
    }

    /// Whether there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Hands them to a statement.
    pub(super) fn bind<'q>(self, query: PgQuery<'q>, row_type: &RowType) -> PgQuery<'q> {
        query.bind(Array { rows: self, row_type: row_type.clone() })
    }

    /// Writes how much has followed the four bytes at `start`.
    fn put_length(&mut self, start: usize) {
        match i32::try_from(self.bytes.len() - start - 4) {
            Ok(length) => self.bytes[start..start + 4].copy_from_slice(&length.to_be_bytes()),
            Err(error) => self.fail(error.into()),
        }
    }

    fn fail(&mut self, error: BoxDynError) {
        self.failed.get_or_insert(error);
    }
}

impl Record<'_> {
    /// A run's id.
    pub(super) fn run(&mut self, run_id: RunId) -> &mut Self {
        self.column(Some(*run_id.as_uuid()))
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.maybe_text(Some(text))
    }

    /// A text, or NULL.
    pub(super) fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        let text = text.map(stored);
        self.column(text.as_deref())
    }

    /// A number.
    pub(super) fn int(&mut self, value: impl TryInto<i64>) -> &mut Self {
        self.column(Some(number(value)))
    }

    /// Yes or no.
    pub(super) fn flag(&mut self, flag: bool) -> &mut Self {
        self.column(Some(flag))
    }

    /// An instant.
    pub(super) fn instant(&mut self, instant: DateTime<Utc>) -> &mut Self {
        self.column(Some(instant))
    }

    /// An instant, or NULL.
    pub(super) fn maybe_instant(&mut self, instant: Option<DateTime<Utc>>) -> &mut Self {
        self.column(instant)
    }

    fn column<'v, T: Encode<'v, Postgres> + Type<Postgres>>(&mut self, value: Option<T>) -> &mut Self {
        self.columns += 1;
        let Records { bytes, .. } = &mut *self.of;
        let oid = T::type_info().oid().map_or(0, |oid| oid.0);
        bytes.extend_from_slice(&oid.to_be_bytes());
        let start = bytes.len();
        // The length of NULL is -1.
        bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        match value.map(|value| value.encode(bytes)) {
            Some(Ok(IsNull::No)) => self.of.put_length(start),
            Some(Ok(IsNull::Yes)) | None => {}
            Some(Err(error)) => self.of.fail(error),
        }
        self
    }
}

/// Rows on their way into a statement.
struct Array {
    rows: Records,
    row_type: RowType,
}

/// One of them.
struct Element<'a> {
    bytes: &'a [u8],
    row: &'a PgTypeInfo,
}

impl Type<Postgres> for Array {
    /// Never asked for, since each array says what it is.
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("record[]")
    }
}

impl Encode<'_, Postgres> for Array {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        if let Some(error) = &self.rows.failed {
            return Err(error.to_string().into());
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
    /// Never asked for, as above.
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
