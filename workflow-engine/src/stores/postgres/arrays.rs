//! Rows as arrays, one a column, so that one prepared statement writes any number of them.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

use super::text::stored;
use crate::records::StoredValue;
use crate::value::RunId;

/// A statement with its arguments.
pub(super) type PgQuery<'a> = Query<'a, Postgres, PgArguments>;

/// Rows of one table: the run's id, then so many texts, numbers and instants. A statement takes them apart with
/// `unnest`, in this order. Texts do not pass through PostgreSQL's JSON, which refuses some of ours.
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
    /// No rows.
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

    /// Whether there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Hands the columns to a statement, in the order of the type's parameters.
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

/// The value, and the key of its blob.
pub(super) fn value(value: Option<&StoredValue>) -> (Option<&str>, Option<&str>) {
    match value {
        Some(StoredValue::Inline(json)) => (Some(json.as_str()), None),
        Some(StoredValue::Blob(key)) => (None, Some(&key.0)),
        None => (None, None),
    }
}

/// A count or a sequence number as PostgreSQL holds it: its integers end at 2^63 - 1, far beyond any that occurs.
pub(super) fn number(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Texts as one argument.
pub(super) fn texts(texts: &[String]) -> Vec<String> {
    texts.iter().map(|text| stored(text).into_owned()).collect()
}
