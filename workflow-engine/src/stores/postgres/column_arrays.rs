//! Rows as arguments: one array for each column, so that one prepared statement takes any number of rows.
//!
//! A statement unpacks them with `unnest`. Passing the rows as JSON instead would fail: PostgreSQL's JSON refuses some
//! texts that the engine accepts.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::arrays::PgQuery;
use super::text::stored;
use crate::stores::rows::{RowList, WriteColumns, number};

/// The arrays. The first row determines their types.
#[derive(Default)]
pub(super) struct ColumnArrays {
    columns: Vec<Column>,
}

enum Column {
    Ids(Vec<Uuid>),
    Texts(Vec<Option<String>>),
    Numbers(Vec<Option<i64>>),
    Flags(Vec<bool>),
    Instants(Vec<Option<DateTime<Utc>>>),
}

/// A row, while its columns are added.
pub(super) struct ColumnRow<'a> {
    arrays: &'a mut ColumnArrays,
    next: usize,
}

impl ColumnArrays {
    /// Binds the arrays to a statement.
    pub(super) fn bind(self, query: PgQuery<'static>) -> PgQuery<'static> {
        self.columns.into_iter().fold(query, |query, column| match column {
            Column::Ids(ids) => query.bind(ids),
            Column::Texts(texts) => query.bind(texts),
            Column::Numbers(numbers) => query.bind(numbers),
            Column::Flags(flags) => query.bind(flags),
            Column::Instants(instants) => query.bind(instants),
        })
    }
}

impl RowList for ColumnArrays {
    type Row<'a> = ColumnRow<'a>;

    fn push(&mut self, put: impl FnOnce(&mut ColumnRow<'_>)) {
        put(&mut ColumnRow { arrays: self, next: 0 });
    }

    fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

/// Adds a value to the next column, which has values of the same kind in every row.
macro_rules! add {
    ($row:ident, $kind:ident, $value:expr) => {{
        let columns = &mut $row.arrays.columns;
        if columns.len() == $row.next {
            columns.push(Column::$kind(Vec::new()));
        }
        if let Column::$kind(values) = &mut columns[$row.next] {
            values.push($value);
        }
        $row.next += 1;
        $row
    }};
}

impl WriteColumns for ColumnRow<'_> {
    fn uuid(&mut self, id: Uuid) -> &mut Self {
        add!(self, Ids, id)
    }

    fn maybe_uuid(&mut self, id: Option<Uuid>) -> &mut Self {
        self.maybe_text(id.map(|id| id.to_string()).as_deref())
    }

    fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        add!(self, Texts, text.map(|text| stored(text).into_owned()))
    }

    fn maybe_int(&mut self, int: Option<impl TryInto<i64>>) -> &mut Self {
        add!(self, Numbers, int.map(number))
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        add!(self, Flags, flag)
    }

    fn maybe_instant(&mut self, instant: Option<DateTime<Utc>>) -> &mut Self {
        add!(self, Instants, instant)
    }
}
