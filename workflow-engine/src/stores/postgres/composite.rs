//! Rows of a composite type, encoded as one array argument.
//!
//! Unpacking an array of rows costs the server a tenth of what one array for each column costs, and here the rows are
//! encoded into the message as they are pushed. The encoding is PostgreSQL's binary format of composite values
//! (`record_send`): the number of columns, then the type, the length and the bytes of each value.

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

/// Encoded rows of one kind.
#[derive(Default)]
pub(super) struct CompositeRows {
    bytes: PgArgumentBuffer,
    /// The end of each row in `bytes`.
    ends: Vec<usize>,
    /// The first error of an encoding.
    error: Option<BoxDynError>,
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

    /// Writes the number of bytes after the four at `start` into those four.
    fn put_length(&mut self, start: usize) {
        match i32::try_from(self.bytes.len() - start - 4) {
            Ok(length) => self.bytes[start..start + 4].copy_from_slice(&length.to_be_bytes()),
            Err(error) => self.fail(error.into()),
        }
    }

    fn fail(&mut self, error: BoxDynError) {
        self.error.get_or_insert(error);
    }
}

impl WriteColumns for CompositeRow<'_> {
    fn uuid(&mut self, id: Uuid) -> &mut Self {
        self.column(Some(id))
    }

    fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        let text = text.map(stored);
        self.column(text.as_deref())
    }

    fn maybe_int(&mut self, int: Option<impl TryInto<i64>>) -> &mut Self {
        self.column(int.map(number))
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        self.column(Some(flag))
    }

    fn maybe_instant(&mut self, instant: Option<DateTime<Utc>>) -> &mut Self {
        self.column(instant)
    }
}

impl CompositeRow<'_> {
    fn column<'v, T: Encode<'v, Postgres> + Type<Postgres>>(&mut self, value: Option<T>) -> &mut Self {
        self.columns += 1;
        let CompositeRows { bytes, .. } = &mut *self.rows;
        let oid = T::type_info().oid().map_or(0, |oid| oid.0);
        bytes.extend_from_slice(&oid.to_be_bytes());
        let start = bytes.len();
        // The length of NULL is -1.
        bytes.extend_from_slice(&(-1_i32).to_be_bytes());
        match value.map(|value| value.encode(bytes)) {
            Some(Ok(IsNull::No)) => self.rows.put_length(start),
            Some(Ok(IsNull::Yes)) | None => {}
            Some(Err(error)) => self.rows.fail(error),
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
        if let Some(error) = &self.rows.error {
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
