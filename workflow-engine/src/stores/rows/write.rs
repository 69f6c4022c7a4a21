//! Binds the columns of a row, from left to right.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::records::StoredValue;
use crate::value::{Place, RunId, StageKey};

/// A row to which columns are added.
pub(in crate::stores) trait WriteColumns {
    /// Adds an id.
    fn uuid(&mut self, id: Uuid) -> &mut Self;

    /// Adds an id or `NULL`.
    fn maybe_uuid(&mut self, id: Option<Uuid>) -> &mut Self;

    /// Adds a text or `NULL`.
    fn maybe_text(&mut self, text: Option<&str>) -> &mut Self;

    /// Adds a number or `NULL`. The largest of a column, 2^63 - 1, is far beyond any count or instant here.
    fn maybe_int(&mut self, number: Option<impl TryInto<i64>>) -> &mut Self;

    /// Adds a boolean.
    fn flag(&mut self, flag: bool) -> &mut Self;

    /// Adds an instant or `NULL`.
    fn maybe_instant(&mut self, instant: Option<DateTime<Utc>>) -> &mut Self;

    /// Adds a run's id.
    fn run_id(&mut self, run_id: RunId) -> &mut Self {
        self.uuid(*run_id.as_uuid())
    }

    /// Adds a number.
    fn int(&mut self, number: impl TryInto<i64>) -> &mut Self {
        self.maybe_int(Some(number))
    }

    /// Adds a text.
    fn text(&mut self, text: &str) -> &mut Self {
        self.maybe_text(Some(text))
    }

    /// Adds the id and the place of a stage.
    fn stage(&mut self, id: &str, place: &Place) -> &mut Self {
        self.maybe_stage(Some(id), place)
    }

    /// Adds the id of a stage or `NULL`, and its place.
    fn maybe_stage(&mut self, id: Option<&str>, place: &Place) -> &mut Self {
        self.maybe_text(id).text(&place.column())
    }

    /// Adds the id and the place of a stage.
    fn stage_key(&mut self, key: &StageKey) -> &mut Self {
        self.stage(&key.id, &key.place)
    }

    /// Adds the id and the place of a stage, or `NULL` and an empty place.
    fn maybe_stage_key(&mut self, key: Option<&StageKey>) -> &mut Self {
        match key {
            Some(key) => self.stage_key(key),
            None => self.maybe_text(None).text(""),
        }
    }

    /// Adds an instant.
    fn instant(&mut self, instant: DateTime<Utc>) -> &mut Self {
        self.maybe_instant(Some(instant))
    }

    /// Adds two columns: the value, and the key of its blob.
    fn value(&mut self, value: Option<&StoredValue>) -> &mut Self {
        match value {
            Some(StoredValue::Inline(json)) => self.text(json.as_str()).maybe_text(None),
            Some(StoredValue::Blob(key)) => self.maybe_text(None).text(&key.0),
            None => self.maybe_text(None).maybe_text(None),
        }
    }
}

/// Returns a number as a column holds it.
pub(in crate::stores) fn number(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
