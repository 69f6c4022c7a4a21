//! Reads rows as records. It checks the values of a row, so that no other code has to.
//!
//! Every statement returns rows of one shape: the run's id, then an array of texts, one of numbers and one of instants.
//! So one statement can return rows of several tables in one round trip, and nothing passes through JSON.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::str::FromStr;
use std::vec::IntoIter;

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::failure::Failure;
use super::text::original;
use crate::records::{
    BlobKey, CostSummary, Event, JobRecord, LogLevel, LogRecord, RunError, RunRecord, RunRequest,
    StageRecord, Status, StoredValue,
};
use crate::stores::event_columns::StoredCommit;
use crate::value::{Cost, Json, RunId};

/// The columns that [`run`] reads; the statement calls the table `r`.
macro_rules! run_row {
    () => {
        "r.id, ARRAY[r.workflow_id, r.definition_fingerprint, r.status, r.output, r.output_blob, r.error_code, \
         r.error_message, r.cancel_reason], ARRAY[r.priority, r.version, r.generation, r.last_sequence, \
         r.waiting_on, r.active, r.suspended, r.total_cost, r.total_tokens, r.reserved_cost, r.pending_calls, \
         r.budget, r.commits], ARRAY[r.created_at, r.started_at, r.completed_at]"
    };
}

/// The columns that [`stage`] reads; the statement calls the table `s`.
macro_rules! stage_row {
    () => {
        "s.workflow_run_id, ARRAY[s.stage_id, s.stage_name, s.status, s.suspended_state, \
         s.suspended_state_blob, s.output, s.output_blob, s.error_message, s.metrics], ARRAY[s.stage_number, \
         s.execution_group, s.generation, s.attempt, s.waiting_on, s.total_cost, s.total_tokens, \
         s.reserved_cost, s.pending_calls, s.budget, s.awaited_cost], ARRAY[s.max_wait_until, s.started_at, \
         s.completed_at]"
    };
}

/// The columns that [`job`] reads; the statement calls the table `j`.
macro_rules! job_row {
    () => {
        "j.workflow_run_id, ARRAY[j.stage_id, j.workflow_id, j.definition_fingerprint, j.status, j.worker_id], \
         ARRAY[j.generation, j.priority, j.attempt, j.max_attempts, j.crashes, j.max_crashes, \
         j.lease_epoch, j.woken::int], \
         ARRAY[j.leased_until, j.run_at]"
    };
}

/// The columns that [`events`] reads; the statement calls the table `c`.
macro_rules! commit_row {
    () => {
        "c.workflow_run_id, ARRAY[c.causation_id, c.event_types, c.events], ARRAY[c.sequence], ARRAY[c.occurred_at]"
    };
}

/// The columns that [`log`] reads; the statement calls the table `l`.
macro_rules! log_row {
    () => {
        "l.workflow_run_id, ARRAY[l.stage_id, l.level, l.message, l.metadata], ARRAY[l.id, l.attempt], \
         ARRAY[l.created_at]"
    };
}

/// The columns that [`request`] reads; the statement calls the table `q`.
macro_rules! request_row {
    () => {
        "q.workflow_run_id, ARRAY[q.input, q.config, q.metadata], ARRAY[]::bigint[], ARRAY[]::timestamptz[]"
    };
}

pub(super) use {commit_row, job_row, log_row, request_row, run_row, stage_row};

/// Reads a run.
pub(super) fn run(row: &PgRow) -> Result<RunRecord, Failure> {
    run_with_commits(row).map(|(run, _)| run)
}

/// Reads a run, and the `commits` of its row.
pub(super) fn run_with_commits(row: &PgRow) -> Result<(RunRecord, i64), Failure> {
    let mut columns = Columns::new(row, "workflow_runs")?;
    let run = RunRecord {
        id: columns.run_id()?,
        workflow_id: columns.text("workflow_id")?,
        definition_fingerprint: columns.text("definition_fingerprint")?,
        status: columns.status("status")?,
        output: columns.value("output")?,
        error: columns.error()?,
        cancel_reason: columns.maybe_text(),
        priority: columns.int("priority")?,
        version: columns.int("version")?,
        generation: columns.int("generation")?,
        last_sequence: columns.int("last_sequence")?,
        waiting_on: columns.int("waiting_on")?,
        active: columns.int("active")?,
        suspended: columns.int("suspended")?,
        spending: columns.spending()?,
        created_at: columns.instant("created_at")?,
        started_at: columns.maybe_instant(),
        completed_at: columns.maybe_instant(),
    };
    Ok((run, columns.int("commits")?))
}

/// Reads a stage.
pub(super) fn stage(row: &PgRow) -> Result<StageRecord, Failure> {
    let mut columns = Columns::new(row, "workflow_stages")?;
    Ok(StageRecord {
        run_id: columns.run_id()?,
        stage_id: columns.text("stage_id")?,
        stage_name: columns.text("stage_name")?,
        status: columns.status("status")?,
        suspended_state: columns.value("suspended_state")?,
        output: columns.value("output")?,
        error_message: columns.maybe_text(),
        metrics: columns.metrics()?,
        stage_number: columns.int("stage_number")?,
        execution_group: columns.int("execution_group")?,
        generation: columns.int("generation")?,
        attempt: columns.int("attempt")?,
        waiting_on: columns.int("waiting_on")?,
        spending: columns.spending()?,
        awaited_cost: columns.maybe_int::<i64>("awaited_cost")?.map(Cost::from_picodollars),
        max_wait_until: columns.maybe_instant(),
        started_at: columns.maybe_instant(),
        completed_at: columns.maybe_instant(),
    })
}

/// Reads a job.
pub(super) fn job(row: &PgRow) -> Result<JobRecord, Failure> {
    let mut columns = Columns::new(row, "workflow_job_queue")?;
    Ok(JobRecord {
        run_id: columns.run_id()?,
        stage_id: columns.text("stage_id")?,
        workflow_id: columns.text("workflow_id")?,
        definition_fingerprint: columns.text("definition_fingerprint")?,
        status: columns.status("status")?,
        worker_id: columns.maybe_text(),
        generation: columns.int("generation")?,
        priority: columns.int("priority")?,
        attempt: columns.int("attempt")?,
        max_attempts: columns.int("max_attempts")?,
        crashes: columns.int("crashes")?,
        max_crashes: columns.int("max_crashes")?,
        lease_epoch: columns.int("lease_epoch")?,
        woken: columns.int::<u8>("woken")? != 0,
        leased_until: columns.maybe_instant(),
        run_at: columns.instant("run_at")?,
    })
}

/// Reads the events of a commit that are selected by their number and the name of their type.
pub(super) fn events(
    columns: &mut Columns,
    is_selected: impl Fn(u64, &str) -> bool,
) -> Result<Vec<Event>, Failure> {
    let commit = StoredCommit::<String> {
        run_id: columns.run_id()?,
        causation_id: columns.text("causation_id")?,
        types: columns.text("event_types")?,
        payloads: columns.text("events")?,
        sequence: columns.int("sequence")?,
        at: columns.instant("occurred_at")?,
    };
    commit.events(is_selected).map_err(|error| columns.unreadable("events", error))
}

/// Reads a log line.
pub(super) fn log(row: &PgRow) -> Result<LogRecord, Failure> {
    let mut columns = Columns::new(row, "workflow_logs")?;
    Ok(LogRecord {
        run_id: columns.run_id()?,
        stage_id: columns.text("stage_id")?,
        level: columns.level("level")?,
        message: columns.text("message")?,
        fields: columns.json("metadata")?,
        id: columns.int("id")?,
        attempt: columns.int("attempt")?,
        at: columns.instant("created_at")?,
    })
}

/// Reads the request that a run was started with.
pub(super) fn request(row: &PgRow) -> Result<RunRequest, Failure> {
    let mut columns = Columns::new(row, "workflow_commits")?;
    Ok(RunRequest {
        input: columns.json("input")?,
        config: columns.json("config")?,
        metadata: columns.maybe_text().map(Json::trusted),
    })
}

/// The columns of a row. Each kind of value is read from left to right.
pub(super) struct Columns {
    table: &'static str,
    run: Option<Uuid>,
    texts: IntoIter<Option<String>>,
    numbers: IntoIter<Option<i64>>,
    instants: IntoIter<Option<DateTime<Utc>>>,
}

impl Columns {
    /// Splits a row of the shape that every statement returns.
    pub(super) fn new(row: &PgRow, table: &'static str) -> Result<Self, Failure> {
        let unreadable = |error: sqlx::Error| Failure::unreadable(table, "*", "(unknown)", error);
        Ok(Self {
            table,
            run: row.try_get(0).map_err(unreadable)?,
            texts: row.try_get::<Vec<_>, _>(1).map_err(unreadable)?.into_iter(),
            numbers: row.try_get::<Vec<_>, _>(2).map_err(unreadable)?.into_iter(),
            instants: row.try_get::<Vec<_>, _>(3).map_err(unreadable)?.into_iter(),
        })
    }

    /// Returns the run to which the row belongs.
    pub(super) fn run_id(&self) -> Result<RunId, Failure> {
        let id = self.run.ok_or_else(|| self.missing("workflow_run_id"))?;
        Ok(RunId::from_uuid(id))
    }

    /// Reads the next text.
    pub(super) fn text(&mut self, column: &'static str) -> Result<String, Failure> {
        self.maybe_text().ok_or_else(|| self.missing(column))
    }

    /// Reads the next text or NULL.
    pub(super) fn maybe_text(&mut self) -> Option<String> {
        self.texts.next().flatten().map(original)
    }

    /// Reads the next number; it must fit its type.
    pub(super) fn int<T: TryFrom<i64, Error: StdError + Send + Sync + 'static>>(
        &mut self,
        column: &'static str,
    ) -> Result<T, Failure> {
        let number = self.numbers.next().flatten().ok_or_else(|| self.missing(column))?;
        T::try_from(number).map_err(|error| self.unreadable(column, error))
    }

    /// Reads the next instant.
    pub(super) fn instant(&mut self, column: &'static str) -> Result<DateTime<Utc>, Failure> {
        self.maybe_instant().ok_or_else(|| self.missing(column))
    }

    /// Reads the next instant or NULL.
    pub(super) fn maybe_instant(&mut self) -> Option<DateTime<Utc>> {
        self.instants.next().flatten()
    }

    /// Reads the next number, which must fit its type, or NULL.
    pub(super) fn maybe_int<T: TryFrom<i64, Error: StdError + Send + Sync + 'static>>(
        &mut self,
        column: &'static str,
    ) -> Result<Option<T>, Failure> {
        let number = self.numbers.next().flatten();
        number.map(T::try_from).transpose().map_err(|error| self.unreadable(column, error))
    }

    /// Reads the next amount of money.
    pub(super) fn cost(&mut self, column: &'static str) -> Result<Cost, Failure> {
        self.int(column).map(Cost::from_picodollars)
    }

    fn spending(&mut self) -> Result<CostSummary, Failure> {
        Ok(CostSummary {
            cost: Cost::from_picodollars(self.maybe_int("total_cost")?.unwrap_or_default()),
            tokens: self.maybe_int("total_tokens")?.unwrap_or_default(),
            reserved: Cost::from_picodollars(self.maybe_int("reserved_cost")?.unwrap_or_default()),
            pending_calls: self.maybe_int("pending_calls")?.unwrap_or_default(),
            budget: self.maybe_int("budget")?.map(Cost::from_picodollars),
        })
    }

    /// Reads the next text, which is JSON.
    pub(super) fn json(&mut self, column: &'static str) -> Result<Json, Failure> {
        self.text(column).map(Json::trusted)
    }

    fn metrics(&mut self) -> Result<BTreeMap<String, f64>, Failure> {
        let metrics = self.maybe_text().map(|text| serde_json::from_str(&text)).transpose();
        Ok(metrics.map_err(|error| self.unreadable("metrics", error))?.unwrap_or_default())
    }

    fn status(&mut self, column: &'static str) -> Result<Status, Failure> {
        let text = self.text(column)?;
        Status::from_str(&text).map_err(|error| self.unreadable(column, error))
    }

    fn level(&mut self, column: &'static str) -> Result<LogLevel, Failure> {
        let text = self.text(column)?;
        let levels = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];
        let level = levels.into_iter().find(|level| level.as_str() == text);
        level.ok_or_else(|| self.unreadable(column, format!("`{text}` is not a level")))
    }

    /// Reads the next two texts: the value, and the key of its blob.
    pub(super) fn value(&mut self, column: &'static str) -> Result<Option<StoredValue>, Failure> {
        match (self.maybe_text(), self.maybe_text()) {
            (Some(json), None) => Ok(Some(StoredValue::Inline(Json::trusted(json)))),
            (None, Some(key)) => Ok(Some(StoredValue::Blob(BlobKey(key)))),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(self.unreadable(column, "the value is stored both in its row and in a blob"))
            }
        }
    }

    /// Reads the next two texts: the code and the message of a run's error.
    fn error(&mut self) -> Result<Option<RunError>, Failure> {
        match (self.maybe_text(), self.maybe_text()) {
            (Some(code), message) => Ok(Some(RunError { code, message: message.unwrap_or_default() })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(self.missing("error_code")),
        }
    }

    /// Returns the failure for a column that lacks its value.
    pub(super) fn missing(&self, column: &'static str) -> Failure {
        self.unreadable(column, "the value is missing")
    }

    /// Returns the failure for a column with an invalid value.
    pub(super) fn unreadable(
        &self,
        column: &'static str,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Failure {
        let run = self.run.map_or_else(|| "(unknown)".to_owned(), |run| run.to_string());
        Failure::unreadable(self.table, column, run, source)
    }
}
