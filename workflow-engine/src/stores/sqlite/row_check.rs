//! Checks the values of a row's columns, so that the code behind it can rely on them.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::failure::Failure;
use crate::records::{BlobKey, Status, StoredValue};
use crate::value::{Json, RunId};

/// Checks columns of one row. Errors name the table and the run.
pub(super) struct RowCheck<'a> {
    pub(super) table: &'static str,
    /// The run's id, as stored.
    pub(super) run: &'a str,
}

impl RowCheck<'_> {
    pub(super) fn run_id(&self) -> Result<RunId, Failure> {
        RunId::from_str(self.run).map_err(|error| self.unreadable("workflow_run_id", error))
    }

    pub(super) fn status(&self, text: &str) -> Result<Status, Failure> {
        Status::from_str(text).map_err(|error| self.unreadable("status", error))
    }

    pub(super) fn metrics(&self, text: Option<&str>) -> Result<BTreeMap<String, f64>, Failure> {
        let metrics = text.map(serde_json::from_str).transpose();
        Ok(metrics.map_err(|error| self.unreadable("metrics", error))?.unwrap_or_default())
    }

    pub(super) fn instant(&self, column: &'static str, microseconds: i64) -> Result<DateTime<Utc>, Failure> {
        DateTime::from_timestamp_micros(microseconds)
            .ok_or_else(|| self.unreadable(column, format!("{microseconds} is beyond the calendar")))
    }

    pub(super) fn maybe_instant(
        &self,
        column: &'static str,
        microseconds: Option<i64>,
    ) -> Result<Option<DateTime<Utc>>, Failure> {
        microseconds.map(|microseconds| self.instant(column, microseconds)).transpose()
    }

    pub(super) fn value(
        &self,
        column: &'static str,
        json: Option<String>,
        blob: Option<String>,
    ) -> Result<Option<StoredValue>, Failure> {
        match (json, blob) {
            (Some(json), None) => Ok(Some(StoredValue::Inline(Json::trusted(json)))),
            (None, Some(key)) => Ok(Some(StoredValue::Blob(BlobKey(key)))),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(self.unreadable(column, "it has a value and the key of a blob")),
        }
    }

    fn unreadable(
        &self,
        column: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Failure {
        Failure::unreadable(self.table, column, self.run, source)
    }
}
