//! Rows as records. What a row holds is checked here, so that nothing else has to doubt it.

use std::error::Error as StdError;

use chrono::{DateTime, Utc};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row, Type};

use super::failure::Failure;
use crate::id::RunId;
use crate::language::{Json, LogLevel};
use crate::records::{
    BlobKey, Event, EventKind, JobRecord, LogRecord, RunError, RunRecord, RunRequest, StageRecord, Status,
    StoredValue,
};

/// The columns of a run in the order in which [`run`] reads them; the statement calls the table `r`.
macro_rules! run_columns {
    () => {
        "r.id, r.workflow_id, r.definition_fingerprint, r.status, r.priority, r.version, r.generation, \
         r.last_sequence, r.waiting_on, r.output, r.output_blob, r.error_code, r.error_message, \
         r.cancel_reason, r.created_at, r.started_at, r.completed_at"
    };
}

/// The columns of a stage in the order in which [`stage`] reads them; the statement calls the table `s`.
macro_rules! stage_columns {
    () => {
        "s.workflow_run_id, s.stage_id, s.stage_name, s.stage_number, s.execution_group, s.generation, \
         s.status, s.attempt, s.waiting_on, s.output, s.output_blob, s.error_message, s.started_at, \
         s.completed_at"
    };
}

/// The columns of a job in the order in which [`job`] reads them; the statement calls the table `j`.
macro_rules! job_columns {
    () => {
        "j.workflow_run_id, j.stage_id, j.workflow_id, j.definition_fingerprint, j.generation, j.status, \
         j.priority, j.attempt, j.max_attempts, j.lease_epoch, j.worker_id, j.leased_until, j.run_at"
    };
}

/// The columns of an event in the order in which [`event`] reads them.
macro_rules! event_columns {
    () => {
        "workflow_run_id, sequence, event_type, payload, occurred_at"
    };
}

pub(super) use {event_columns, job_columns, run_columns, stage_columns};

/// A run.
pub(super) fn run(columns: Columns<'_>) -> Result<RunRecord, Failure> {
    let mut columns = columns;
    Ok(RunRecord {
        id: columns.run_id("id")?,
        workflow_id: columns.get("workflow_id")?,
        definition_fingerprint: columns.get("definition_fingerprint")?,
        status: columns.status("status")?,
        priority: columns.int("priority")?,
        version: columns.int("version")?,
        generation: columns.int("generation")?,
        last_sequence: columns.int("last_sequence")?,
        waiting_on: columns.int("waiting_on")?,
        output: columns.value("output")?,
        error: columns.run_error()?,
        cancel_reason: columns.get("cancel_reason")?,
        created_at: columns.instant("created_at")?,
        started_at: columns.maybe_instant("started_at")?,
        completed_at: columns.maybe_instant("completed_at")?,
    })
}

/// A stage.
pub(super) fn stage(columns: Columns<'_>) -> Result<StageRecord, Failure> {
    let mut columns = columns;
    Ok(StageRecord {
        run_id: columns.run_id("workflow_run_id")?,
        stage_id: columns.get("stage_id")?,
        stage_name: columns.get("stage_name")?,
        stage_number: columns.int("stage_number")?,
        execution_group: columns.int("execution_group")?,
        generation: columns.int("generation")?,
        status: columns.status("status")?,
        attempt: columns.int("attempt")?,
        waiting_on: columns.int("waiting_on")?,
        output: columns.value("output")?,
        error_message: columns.get("error_message")?,
        started_at: columns.maybe_instant("started_at")?,
        completed_at: columns.maybe_instant("completed_at")?,
    })
}

/// A job.
pub(super) fn job(columns: Columns<'_>) -> Result<JobRecord, Failure> {
    let mut columns = columns;
    Ok(JobRecord {
        run_id: columns.run_id("workflow_run_id")?,
        stage_id: columns.get("stage_id")?,
        workflow_id: columns.get("workflow_id")?,
        definition_fingerprint: columns.get("definition_fingerprint")?,
        generation: columns.int("generation")?,
        status: columns.status("status")?,
        priority: columns.int("priority")?,
        attempt: columns.int("attempt")?,
        max_attempts: columns.int("max_attempts")?,
        lease_epoch: columns.int("lease_epoch")?,
        worker_id: columns.get("worker_id")?,
        leased_until: columns.maybe_instant("leased_until")?,
        run_at: columns.instant("run_at")?,
    })
}

/// An event.
pub(super) fn event(columns: Columns<'_>) -> Result<Event, Failure> {
    let mut columns = columns;
    let run_id = columns.run_id("workflow_run_id")?;
    let sequence = columns.int("sequence")?;
    let name: &str = columns.get("event_type")?;
    let payload: &str = columns.get("payload")?;
    let kind = EventKind::from_stored(name, payload).map_err(|error| columns.unreadable("payload", error))?;
    Ok(Event { run_id, sequence, at: columns.instant("occurred_at")?, kind })
}

/// A log line: id, run, stage, attempt, instant, level, message, fields.
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

/// What a run was started with: input, config, metadata.
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
    row: &'r SqliteRow,
    table: &'static str,
    next: usize,
    run: Option<RunId>,
}

impl<'r> Columns<'r> {
    /// From the `first` column (0 is the leftmost) on.
    pub(super) fn new(row: &'r SqliteRow, table: &'static str, first: usize) -> Self {
        Self { row, table, next: first, run: None }
    }

    /// The next column, called `column` in errors.
    pub(super) fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(
        &mut self,
        column: &'static str,
    ) -> Result<T, Failure> {
        let index = self.next;
        self.next += 1;
        self.row.try_get(index).map_err(|error| self.unreadable(column, error))
    }

    /// A number that fits its type.
    pub(super) fn int<T: TryFrom<i64, Error: StdError + Send + Sync + 'static>>(
        &mut self,
        column: &'static str,
    ) -> Result<T, Failure> {
        let number: i64 = self.get(column)?;
        T::try_from(number).map_err(|error| self.unreadable(column, error))
    }

    /// A JSON text.
    pub(super) fn json(&mut self, column: &'static str) -> Result<Json, Failure> {
        self.get::<&str>(column).map(Json::trusted)
    }

    /// The id of the run that the row belongs to; errors of later columns name it.
    pub(super) fn run_id(&mut self, column: &'static str) -> Result<RunId, Failure> {
        let text: &str = self.get(column)?;
        let run_id = text.parse().map_err(|error: crate::Error| self.unreadable(column, error))?;
        self.run = Some(run_id);
        Ok(run_id)
    }

    fn status(&mut self, column: &'static str) -> Result<Status, Failure> {
        let text: &str = self.get(column)?;
        text.parse().map_err(|error: crate::records::UnknownStatus| self.unreadable(column, error))
    }

    fn level(&mut self, column: &'static str) -> Result<LogLevel, Failure> {
        let text: &str = self.get(column)?;
        let levels = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];
        let level = levels.into_iter().find(|level| level.as_str() == text);
        level.ok_or_else(|| self.unreadable(column, format!("`{text}` is not a level")))
    }

    fn instant(&mut self, column: &'static str) -> Result<DateTime<Utc>, Failure> {
        let microseconds: i64 = self.get(column)?;
        self.instant_of(column, microseconds)
    }

    /// An instant, or nothing.
    pub(super) fn maybe_instant(&mut self, column: &'static str) -> Result<Option<DateTime<Utc>>, Failure> {
        let microseconds: Option<i64> = self.get(column)?;
        microseconds.map(|microseconds| self.instant_of(column, microseconds)).transpose()
    }

    fn instant_of(&self, column: &'static str, microseconds: i64) -> Result<DateTime<Utc>, Failure> {
        DateTime::from_timestamp_micros(microseconds)
            .ok_or_else(|| self.unreadable(column, format!("{microseconds} is beyond the calendar")))
    }

    /// Two columns: the value, and the key of its blob.
    fn value(&mut self, column: &'static str) -> Result<Option<StoredValue>, Failure> {
        let inline: Option<&str> = self.get(column)?;
        let blob: Option<String> = self.get("output_blob")?;
        Ok(match (inline, blob) {
            (Some(json), None) => Some(StoredValue::Inline(Json::trusted(json))),
            (None, Some(key)) => Some(StoredValue::Blob(BlobKey(key))),
            (None, None) => None,
            (Some(_), Some(_)) => return Err(self.unreadable(column, "it is in its row and in a blob")),
        })
    }

    /// Two columns: code and message.
    fn run_error(&mut self) -> Result<Option<RunError>, Failure> {
        let code: Option<String> = self.get("error_code")?;
        let message: Option<String> = self.get("error_message")?;
        Ok(code.map(|code| RunError { code, message: message.unwrap_or_default() }))
    }

    fn unreadable(
        &self,
        column: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Failure {
        let run = self.run.map_or_else(|| "(unknown)".to_owned(), |run| run.to_string());
        Failure::unreadable(self.table, column, run, source)
    }
}
