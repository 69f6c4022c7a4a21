//! Arguments that are arrays: one array a column lets one prepared statement take any number of rows.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

use super::text::stored;
use crate::records::StoredValue;
use crate::value::RunId;

/// A statement with its bound arguments.
pub(super) type PgQuery<'a> = Query<'a, Postgres, PgArguments>;

/// Rows of one table: the run's id, then the given numbers of texts, numbers and instants. A statement unpacks them
/// with `unnest`, in this order. Passing the rows as JSON instead would fail: PostgreSQL's JSON refuses some texts that
/// the engine accepts.
pub(super) struct Rows<'a, const TEXTS: usize, const NUMBERS: usize, const INSTANTS: usize> {
    runs: Vec<Uuid>,
    texts: [Vec<Option<Cow<'a, str>>>; TEXTS],
    numbers: [Vec<Option<i64>>; NUMBERS],
    instants: [Vec<Option<DateTime<Utc>>>; INSTANTS],
}

impl<const TEXTS: usize, const NUMBERS: usize, const INSTANTS: usize> Default
    for Rows<'_, TEXTS, NUMBERS, INSTANTS>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<'a, const TEXTS: usize, const NUMBERS: usize, const INSTANTS: usize> Rows<'a, TEXTS, NUMBERS, INSTANTS> {
    /// Creates a batch without rows.
    pub(super) fn new() -> Self {
        Self {
            runs: Vec::new(),
            texts: std::array::from_fn(|_| Vec::new()),
            numbers: std::array::from_fn(|_| Vec::new()),
            instants: std::array::from_fn(|_| Vec::new()),
        }
    }

    /// Adds a row.
    pub(super) fn push(
        &mut self,
        run_id: RunId,
        texts: [Option<&'a str>; TEXTS],
        numbers: [Option<i64>; NUMBERS],
        instants: [Option<DateTime<Utc>>; INSTANTS],
    ) {
        self.runs.push(*run_id.as_uuid());
        for (column, text) in self.texts.iter_mut().zip(texts) {
            column.push(text.map(stored));
        }
        for (column, number) in self.numbers.iter_mut().zip(numbers) {
            column.push(number);
        }
        for (column, instant) in self.instants.iter_mut().zip(instants) {
            column.push(instant);
        }
    }

    /// Returns whether there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Binds the columns to a statement, in the order of the type's parameters.
    pub(super) fn bind<'q>(self, query: PgQuery<'q>) -> PgQuery<'q>
    where
        'a: 'q,
    {
        let query = query.bind(self.runs);
        let query = self.texts.into_iter().fold(query, Query::bind);
        let query = self.numbers.into_iter().fold(query, Query::bind);
        self.instants.into_iter().fold(query, Query::bind)
    }
}

/// Returns a value as two columns: its JSON, or the key of its blob.
pub(super) fn value(value: Option<&StoredValue>) -> (Option<&str>, Option<&str>) {
    match value {
        Some(StoredValue::Inline(json)) => (Some(json.as_str()), None),
        Some(StoredValue::Blob(key)) => (None, Some(&key.0)),
        None => (None, None),
    }
}

/// Returns a count or a sequence number as PostgreSQL's BIGINT, whose largest value (2^63 - 1) no real one reaches.
pub(super) fn number(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Returns texts as one argument.
pub(super) fn texts(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| stored(text).into_owned()).collect()
}

/// Returns texts as one argument, each once: a definition that is listed twice would have its rows found twice.
pub(super) fn distinct_texts(texts: &[String]) -> Vec<String> {
    let distinct: BTreeSet<&String> = texts.iter().collect();
    distinct.into_iter().map(|text| stored(text).into_owned()).collect()
}

/// Returns a duration in microseconds, capped so that adding it to an instant stays within PostgreSQL's calendar.
pub(super) fn microseconds(duration: Duration) -> i64 {
    /// More than the years that are left in this crate's calendar, which ends with 9999.
    const MAX: i64 = 9_000 * 366 * 86_400 * 1_000_000;

    number(duration.as_micros()).min(MAX)
}
