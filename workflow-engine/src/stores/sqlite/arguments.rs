//! Binds the arguments of a statement on the connection that writes, from left to right.

use chrono::{DateTime, Utc};
use rusqlite::types::{Null, ToSql};
use rusqlite::{Result, Statement};
use uuid::Uuid;

use crate::records::StoredValue;
use crate::value::RunId;

/// Binds arguments. The first argument that cannot be bound is the error; later ones are skipped.
pub(super) struct Arguments<'a, 'c> {
    statement: &'a mut Statement<'c>,
    next: usize,
    outcome: Result<()>,
}

impl<'a, 'c> Arguments<'a, 'c> {
    pub(super) fn new(statement: &'a mut Statement<'c>) -> Self {
        Self { statement, next: 1, outcome: Ok(()) }
    }

    /// Returns the first error, if there is one.
    pub(super) fn outcome(self) -> Result<()> {
        self.outcome
    }

    /// Binds a run's id.
    pub(super) fn id(&mut self, run_id: RunId) -> &mut Self {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = run_id.as_uuid().as_hyphenated().encode_lower(&mut buffer);
        self.put(text)
    }

    /// Binds a text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.put(text)
    }

    /// Binds a number. SQLite's integers end at 2^63 - 1, far beyond any count or instant here.
    pub(super) fn int(&mut self, number: impl TryInto<i64>) -> &mut Self {
        self.put(number.try_into().unwrap_or(i64::MAX))
    }

    /// Binds a text or `NULL`.
    pub(super) fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        self.put(text)
    }

    /// Binds an instant in microseconds.
    pub(super) fn instant(&mut self, instant: DateTime<Utc>) -> &mut Self {
        self.put(instant.timestamp_micros())
    }

    /// Binds an instant or `NULL`.
    pub(super) fn maybe_instant(&mut self, instant: Option<DateTime<Utc>>) -> &mut Self {
        self.put(instant.map(|instant| instant.timestamp_micros()))
    }

    /// Binds two arguments: the value, and the key of its blob.
    pub(super) fn value(&mut self, value: Option<&StoredValue>) -> &mut Self {
        match value {
            Some(StoredValue::Inline(json)) => self.text(json.as_str()).put(Null),
            Some(StoredValue::Blob(key)) => self.put(Null).text(&key.0),
            None => self.put(Null).put(Null),
        }
    }

    fn put(&mut self, argument: impl ToSql) -> &mut Self {
        if self.outcome.is_ok() {
            self.outcome = self.statement.raw_bind_parameter(self.next, argument);
            self.next += 1;
        }
        self
    }
}

/// Returns a `LIMIT` as SQLite takes it.
pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
