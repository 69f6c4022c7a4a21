//! The arguments of a statement on the connection that writes, bound from left to right.

use chrono::{DateTime, Utc};
use rusqlite::types::{Null, ToSql};
use rusqlite::{Result, Statement};
use uuid::Uuid;

use crate::records::StoredValue;
use crate::value::RunId;

/// What is bound so far. The first argument that cannot be bound is the error; the later ones are left out.
pub(super) struct Arguments<'a, 'c> {
    statement: &'a mut Statement<'c>,
    next: usize,
    outcome: Result<()>,
}

impl<'a, 'c> Arguments<'a, 'c> {
    pub(super) fn new(statement: &'a mut Statement<'c>) -> Self {
        Self { statement, next: 1, outcome: Ok(()) }
    }

    /// Whether all of them are bound.
    pub(super) fn outcome(self) -> Result<()> {
        self.outcome
    }

    /// A run's id.
    pub(super) fn id(&mut self, run_id: RunId) -> &mut Self {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = run_id.as_uuid().as_hyphenated().encode_lower(&mut buffer);
        self.put(text)
    }

    /// A text.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.put(text)
    }

    /// A number. SQLite's integers end at 2^63 - 1, far beyond any count or instant here.
    pub(super) fn int(&mut self, number: impl TryInto<i64>) -> &mut Self {
        self.put(number.try_into().unwrap_or(i64::MAX))
    }

    /// A text, or `NULL`.
    pub(super) fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        self.put(text)
    }

    /// An instant in microseconds.
    pub(super) fn instant(&mut self, instant: DateTime<Utc>) -> &mut Self {
        self.put(instant.timestamp_micros())
    }

    /// An instant, or `NULL`.
    pub(super) fn maybe_instant(&mut self, instant: Option<DateTime<Utc>>) -> &mut Self {
        self.put(instant.map(|instant| instant.timestamp_micros()))
    }

    /// Two arguments: the value, and the key of its blob.
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
