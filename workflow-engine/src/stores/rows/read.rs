//! Reads the columns of a row, and checks their values, so that no other code has to.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::records::{BlobKey, CostSummary, LogLevel, RunError, Status, StoredValue};
use crate::value::{Cost, Json, Place, RunId, StageKey};

/// A record that is read from one row.
pub(in crate::stores) trait FromColumns: Sized {
    /// The table, which errors name.
    const TABLE: &'static str;

    /// Reads the record.
    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure>;
}

/// The columns of a row. A row has the id of its run first, then its texts, its numbers and its instants; each kind is
/// read from left to right.
pub(in crate::stores) trait ReadColumns {
    /// The failure of a store.
    type Failure;

    /// Returns the id with which the row begins.
    fn run_id(&mut self) -> Result<RunId, Self::Failure>;

    /// Returns the id with which the row begins, or `NULL`. Errors name it `column`.
    fn maybe_run_id(&mut self, column: &'static str) -> Result<Option<RunId>, Self::Failure>;

    /// Reads the next text or `NULL`. Errors name it `column`.
    fn maybe_text(&mut self, column: &'static str) -> Result<Option<String>, Self::Failure>;

    /// Reads the next number or `NULL`.
    fn maybe_number(&mut self, column: &'static str) -> Result<Option<i64>, Self::Failure>;

    /// Reads the next instant or `NULL`.
    fn maybe_instant(&mut self, column: &'static str) -> Result<Option<DateTime<Utc>>, Self::Failure>;

    /// Returns the failure for a column with an invalid value.
    fn unreadable(
        &self,
        column: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self::Failure;

    /// Returns the failure for a column that lacks its value.
    fn missing(&self, column: &'static str) -> Self::Failure {
        self.unreadable(column, "the value is missing")
    }

    /// Reads the next text.
    fn text(&mut self, column: &'static str) -> Result<String, Self::Failure> {
        self.maybe_text(column)?.ok_or_else(|| self.missing(column))
    }

    /// Reads the next number, which must fit its type, or `NULL`.
    fn maybe_int<T: TryFrom<i64, Error: StdError + Send + Sync + 'static>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, Self::Failure> {
        let number = self.maybe_number(column)?;
        number.map(T::try_from).transpose().map_err(|error| self.unreadable(column, error))
    }

    /// Reads the next number, which must fit its type.
    fn int<T: TryFrom<i64, Error: StdError + Send + Sync + 'static>>(
        &mut self,
        column: &'static str,
    ) -> Result<T, Self::Failure> {
        self.maybe_int(column)?.ok_or_else(|| self.missing(column))
    }

    /// Reads the next instant.
    fn instant(&mut self, column: &'static str) -> Result<DateTime<Utc>, Self::Failure> {
        self.maybe_instant(column)?.ok_or_else(|| self.missing(column))
    }

    /// Reads the next text, which is JSON.
    fn json(&mut self, column: &'static str) -> Result<Json, Self::Failure> {
        self.text(column).map(Json::trusted)
    }

    /// Reads the next text, which is JSON, or `NULL`.
    fn maybe_json(&mut self, column: &'static str) -> Result<Option<Json>, Self::Failure> {
        Ok(self.maybe_text(column)?.map(Json::trusted))
    }

    /// Reads the next text, which is a place.
    fn place(&mut self) -> Result<Place, Self::Failure> {
        let text = self.text("place")?;
        Place::from_column(&text).ok_or_else(|| self.unreadable("place", format!("`{text}` is no place")))
    }

    /// Reads the next two texts: the id and the place of a stage.
    fn stage_key(&mut self) -> Result<StageKey, Self::Failure> {
        Ok(StageKey { id: self.text("stage_id")?, place: self.place()? })
    }

    /// Reads the next text, which is one of `all` by its `name`.
    fn one_of<T: Copy>(
        &mut self,
        column: &'static str,
        all: &[T],
        name: impl Fn(T) -> &'static str,
    ) -> Result<T, Self::Failure> {
        let text = self.text(column)?;
        let found = all.iter().copied().find(|value| name(*value) == text);
        found.ok_or_else(|| self.unreadable(column, format!("`{text}` is none of its values")))
    }

    /// Reads the next text, which is a status.
    fn status(&mut self) -> Result<Status, Self::Failure> {
        let text = self.text("status")?;
        Status::from_str(&text).map_err(|error| self.unreadable("status", error))
    }

    /// Reads the next text, which is the level of a log line.
    fn level(&mut self) -> Result<LogLevel, Self::Failure> {
        let levels = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];
        self.one_of("level", &levels, LogLevel::as_str)
    }

    /// Reads the next text, which has the metrics of a stage.
    fn metrics(&mut self) -> Result<BTreeMap<String, f64>, Self::Failure> {
        let metrics = self.maybe_text("metrics")?.map(|text| serde_json::from_str(&text)).transpose();
        Ok(metrics.map_err(|error| self.unreadable("metrics", error))?.unwrap_or_default())
    }

    /// Reads the next two texts: the value, and the key of its blob.
    fn value(&mut self, column: &'static str) -> Result<Option<StoredValue>, Self::Failure> {
        match (self.maybe_text(column)?, self.maybe_text(column)?) {
            (Some(json), None) => Ok(Some(StoredValue::Inline(Json::trusted(json)))),
            (None, Some(key)) => Ok(Some(StoredValue::Blob(BlobKey(key)))),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(self.unreadable(column, "the value is stored both in its row and in a blob"))
            }
        }
    }

    /// Reads the next two texts: the code and the message of a run's error.
    fn error(&mut self) -> Result<Option<RunError>, Self::Failure> {
        match (self.maybe_text("error_code")?, self.maybe_text("error_message")?) {
            (Some(code), message) => Ok(Some(RunError { code, message: message.unwrap_or_default() })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(self.missing("error_code")),
        }
    }

    /// Reads the next number, which is an amount of money.
    fn cost(&mut self, column: &'static str) -> Result<Cost, Self::Failure> {
        self.int(column).map(Cost::from_picodollars)
    }

    /// Reads the next number, which is an amount of money, or `NULL`.
    fn maybe_cost(&mut self, column: &'static str) -> Result<Option<Cost>, Self::Failure> {
        Ok(self.maybe_number(column)?.map(Cost::from_picodollars))
    }

    /// Reads the next five numbers: what a run or a stage has spent.
    fn spending(&mut self) -> Result<CostSummary, Self::Failure> {
        Ok(CostSummary {
            cost: self.maybe_cost("total_cost")?.unwrap_or_default(),
            tokens: self.maybe_int("total_tokens")?.unwrap_or_default(),
            reserved: self.maybe_cost("reserved_cost")?.unwrap_or_default(),
            pending_calls: self.maybe_int("pending_calls")?.unwrap_or_default(),
            budget: self.maybe_cost("budget")?,
        })
    }
}
