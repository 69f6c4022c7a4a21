//! Reads narrow rows column by column.

use std::error::Error as StdError;

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::owned_row::{Column, ReadRow};
use crate::records::LogLevel;
use crate::records::{Event, LogRecord, RunRequest};
use crate::stores::event_columns::StoredCommit;
use crate::value::{Json, RunId};

/// The columns of a commit in the order in which [`events`] reads them; the statement calls the table `c`.
macro_rules! commit_columns {
    () => {
        "c.workflow_run_id, c.sequence, c.occurred_at, c.causation_id, c.event_types, c.events"
    };
}

/// The number of the first event in the commit that has the event with this number.
macro_rules! commit_of {
    ($run:literal, $sequence:literal) => {
        concat!(
            "(SELECT max(o.sequence) FROM {prefix}commits AS o WHERE o.workflow_run_id = ",
            $run,
            " AND o.sequence <= ",
            $sequence,
            ")"
        )
    };
}

pub(super) use {commit_columns, commit_of};

/// Reads the events of a commit that are selected by their number and the name of their type.
pub(super) fn events(
    columns: &mut Columns<'_>,
    is_selected: impl Fn(u64, &str) -> bool,
) -> Result<Vec<Event>, Failure> {
    let commit = StoredCommit::<&str> {
        run_id: columns.run_id("workflow_run_id")?,
        sequence: columns.int("sequence")?,
        at: columns.instant("occurred_at")?,
        causation_id: columns.get("causation_id")?,
        types: columns.get("event_types")?,
        payloads: columns.get("events")?,
    };
    commit.events(is_selected).map_err(|error| columns.unreadable("events", error))
}

/// Reads a log line: id, run, stage, attempt, instant, level, message, fields.
pub(super) fn log(columns: Columns<'_>) -> Result<LogRecord, Failure> {
    let mut columns = columns;
    Ok(LogRecord {
        id: columns.int("id")?,
        run_id: columns.run_id("workflow_run_id")?,
        stage_id: columns.get("stage_id")?,
        attempt: columns.int("attempt")?,
        at: columns.instant("created_at")?,
        level: columns.level("level")?,
        message: columns.get("message")?,
        fields: columns.json("metadata")?,
    })
}

/// Reads the request of a run: input, config, metadata.
pub(super) fn request(columns: Columns<'_>) -> Result<RunRequest, Failure> {
    let mut columns = columns;
    Ok(RunRequest {
        input: columns.json("input")?,
        config: columns.json("config")?,
        metadata: columns.get::<Option<&str>>("metadata")?.map(Json::trusted),
    })
}

/// The columns of a row, read from left to right.
pub(super) struct Columns<'r> {
    row: ReadRow<'r>,
    table: &'static str,
    next: usize,
    run: Option<RunId>,
}

impl<'r> Columns<'r> {
    /// Reads from the `first` column on; 0 is the leftmost.
    pub(super) fn new(row: impl Into<ReadRow<'r>>, table: &'static str, first: usize) -> Self {
        Self { row: row.into(), table, next: first, run: None }
    }

    /// Reads the next column. Errors name it `column`.
    pub(super) fn get<T: Column<'r>>(&mut self, column: &'static str) -> Result<T, Failure> {
        let index = self.next;
        self.next += 1;
        T::read(self.row, index).map_err(|error| self.unreadable(column, error))
    }

    /// Reads a number that fits its type.
    pub(super) fn int<T: TryFrom<i64, Error: StdError + Send + Sync + 'static>>(
        &mut self,
        column: &'static str,
    ) -> Result<T, Failure> {
        let number: i64 = self.get(column)?;
        T::try_from(number).map_err(|error| self.unreadable(column, error))
    }

    /// Reads a JSON text.
    pub(super) fn json(&mut self, column: &'static str) -> Result<Json, Failure> {
        self.get::<&str>(column).map(Json::trusted)
    }

    /// Reads the id of the run. Errors of later columns name it.
    pub(super) fn run_id(&mut self, column: &'static str) -> Result<RunId, Failure> {
        let text: &str = self.get(column)?;
        let run_id = text.parse().map_err(|error: crate::Error| self.unreadable(column, error))?;
        self.run = Some(run_id);
        Ok(run_id)
    }

    fn level(&mut self, column: &'static str) -> Result<LogLevel, Failure> {
        let text: &str = self.get(column)?;
        let levels = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];
        let level = levels.into_iter().find(|level| level.as_str() == text);
        level.ok_or_else(|| self.unreadable(column, format!("`{text}` is not a level")))
    }

    /// Reads an instant.
    pub(super) fn instant(&mut self, column: &'static str) -> Result<DateTime<Utc>, Failure> {
        let microseconds: i64 = self.get(column)?;
        self.instant_of(column, microseconds)
    }

    /// Reads an instant or `NULL`.
    pub(super) fn maybe_instant(&mut self, column: &'static str) -> Result<Option<DateTime<Utc>>, Failure> {
        let microseconds: Option<i64> = self.get(column)?;
        microseconds.map(|microseconds| self.instant_of(column, microseconds)).transpose()
    }

    fn instant_of(&self, column: &'static str, microseconds: i64) -> Result<DateTime<Utc>, Failure> {
        DateTime::from_timestamp_micros(microseconds)
            .ok_or_else(|| self.unreadable(column, format!("{microseconds} is beyond the calendar")))
    }

    /// Returns the error of a column with an invalid value.
    pub(super) fn unreadable(
        &self,
        column: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Failure {
        let run = self.run.map_or_else(|| "(unknown)".to_owned(), |run| run.to_string());
        Failure::unreadable(self.table, column, run, source)
    }
}
