//! Binds the arguments of a statement on the connection that writes, from left to right.

use chrono::{DateTime, Utc};
use rusqlite::types::ToSql;
use rusqlite::{Result, Statement};
use uuid::Uuid;

use crate::stores::rows::{WriteColumns, number};
use crate::value::StageKey;

/// Binds arguments. The first argument that cannot be bound is the error; later ones are skipped.
pub(super) struct Arguments<'a> {
    statement: &'a mut dyn Bind,
    next: usize,
    outcome: Result<()>,
}

/// A statement, without the lifetime of its connection.
trait Bind {
    fn bind(&mut self, place: usize, argument: &dyn ToSql) -> Result<()>;
}

impl Bind for Statement<'_> {
    fn bind(&mut self, place: usize, argument: &dyn ToSql) -> Result<()> {
        self.raw_bind_parameter(place, argument)
    }
}

impl<'a> Arguments<'a> {
    pub(super) fn new(statement: &'a mut Statement<'_>) -> Self {
        Self { statement, next: 1, outcome: Ok(()) }
    }

    /// Returns the first error, if there is one.
    pub(super) fn outcome(self) -> Result<()> {
        self.outcome
    }

    fn put(&mut self, argument: impl ToSql) -> &mut Self {
        if self.outcome.is_ok() {
            self.outcome = self.statement.bind(self.next, &argument);
            self.next += 1;
        }
        self
    }
}

impl WriteColumns for Arguments<'_> {
    fn uuid(&mut self, id: Uuid) -> &mut Self {
        let mut buffer = Uuid::encode_buffer();
        let text: &str = id.as_hyphenated().encode_lower(&mut buffer);
        self.put(text)
    }

    fn maybe_uuid(&mut self, id: Option<Uuid>) -> &mut Self {
        match id {
            Some(id) => self.uuid(id),
            None => self.maybe_text(None),
        }
    }

    fn maybe_text(&mut self, text: Option<&str>) -> &mut Self {
        self.put(text)
    }

    fn maybe_int(&mut self, int: Option<impl TryInto<i64>>) -> &mut Self {
        self.put(int.map(number))
    }

    fn flag(&mut self, flag: bool) -> &mut Self {
        self.put(flag)
    }

    fn maybe_instant(&mut self, instant: Option<DateTime<Utc>>) -> &mut Self {
        self.put(instant.map(|instant| instant.timestamp_micros()))
    }
}

/// Returns the stage and the place of a filter. An empty place selects every place of the stage.
pub(super) fn selected(stage_key: Option<&StageKey>) -> (Option<String>, String) {
    let place = stage_key.map(|key| key.place.column()).unwrap_or_default();
    (stage_key.map(|key| key.id.clone()), place)
}

/// Returns a `LIMIT` as SQLite takes it.
pub(super) fn count(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
