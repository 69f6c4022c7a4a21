//! Runs, stages and jobs as records. What a row holds is checked here, so that nothing else has to doubt it.
//!
//! The wide rows come as one JSON array each: sqlx copies every column of a row on its own and hands rows over one by
//! one between its thread and ours, which for a batch costs more than the database's work.

use std::borrow::Cow;
use std::error::Error as StdError;

use serde::Deserialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::checked::Check;
use super::failure::Failure;
use super::own_row::Cells;
use crate::records::{CostSummary, JobRecord, RunError, RunRecord, StageRecord};
use crate::value::Cost;

/// A run as [`RunRow`] reads it; the statement calls the table `r`.
macro_rules! run_columns {
    () => {
        "r.id, r.workflow_id, r.definition_fingerprint, r.status, r.priority, r.version, \
         r.generation, r.last_sequence, r.waiting_on, r.output, r.output_blob, r.error_code, r.error_message, \
         r.cancel_reason, r.created_at, r.started_at, r.completed_at, r.active, r.suspended, \
         r.total_cost, r.total_tokens, r.reserved_cost, r.pending_calls, r.budget"
    };
}

/// The same as one JSON array.
macro_rules! run_row {
    () => {
        concat!("json_array(", $crate::stores::sqlite::rows::run_columns!(), ")")
    };
}

/// A stage as [`StageRow`] reads it; the statement calls the table `s`.
macro_rules! stage_columns {
    () => {
        "s.workflow_run_id, s.stage_id, s.stage_name, s.stage_number, s.execution_group, \
         s.generation, s.status, s.attempt, s.waiting_on, s.output, s.output_blob, s.error_message, \
         s.started_at, s.completed_at, s.suspended_state, s.suspended_state_blob, s.max_wait_until, \
         s.metrics, s.total_cost, s.total_tokens, s.reserved_cost, s.pending_calls, s.budget, s.awaited_cost"
    };
}

/// The same as one JSON array.
macro_rules! stage_row {
    () => {
        concat!("json_array(", $crate::stores::sqlite::rows::stage_columns!(), ")")
    };
}

/// A job as [`JobRow`] reads it; the statement calls the table `j`.
macro_rules! job_columns {
    () => {
        "j.workflow_run_id, j.stage_id, j.workflow_id, j.definition_fingerprint, j.generation, \
         j.status, j.priority, j.attempt, j.max_attempts, j.lease_epoch, j.worker_id, j.leased_until, \
         j.run_at, j.woken"
    };
}

/// The same as one JSON array.
macro_rules! job_row {
    () => {
        concat!("json_array(", $crate::stores::sqlite::rows::job_columns!(), ")")
    };
}

pub(super) use {job_columns, job_row, run_columns, run_row, stage_columns, stage_row};

/// A row that is read from a JSON array with its fields in this order.
pub(super) trait JsonRow<'a>: Deserialize<'a> {
    /// Its table.
    const TABLE: &'static str;
    /// What it becomes.
    type Record;

    /// Reads it column by column.
    fn read(columns: &mut Cells<'a>) -> rusqlite::Result<Self>;

    /// Checks it.
    fn record(self) -> Result<Self::Record, Failure>;
}

/// The rows of a JSON array of rows.
pub(super) fn all<'a, R: JsonRow<'a>>(text: &'a str) -> Result<Vec<R::Record>, Failure> {
    let rows: Vec<R> = serde_json::from_str(text).map_err(|error| undecodable(R::TABLE, error))?;
    rows.into_iter().map(R::record).collect()
}

/// A row of the connection that writes, which answers each column on its own.
pub(super) fn of<'a, R: JsonRow<'a>>(row: &'a rusqlite::Row<'a>) -> Result<R::Record, Failure> {
    R::read(&mut Cells::new(row)).map_err(|error| undecodable(R::TABLE, error))?.record()
}

/// The rows of a statement that answers one JSON array a row.
pub(super) fn each<'a, R: JsonRow<'a>>(rows: &'a [SqliteRow]) -> Result<Vec<R::Record>, Failure> {
    let decode = |row: &'a SqliteRow| {
        let text: &'a str = row.try_get(0).map_err(|error| undecodable(R::TABLE, error))?;
        serde_json::from_str::<R>(text).map_err(|error| undecodable(R::TABLE, error))?.record()
    };
    rows.iter().map(decode).collect()
}

fn undecodable(table: &'static str, error: impl Into<Box<dyn StdError + Send + Sync>>) -> Failure {
    Failure::unreadable(table, "*", "(unknown)", error)
}

/// A row of `workflow_runs`.
#[derive(Deserialize)]
pub(super) struct RunRow<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    workflow_id: String,
    definition_fingerprint: String,
    #[serde(borrow)]
    status: Cow<'a, str>,
    priority: i32,
    version: u64,
    generation: u32,
    last_sequence: u64,
    waiting_on: u32,
    output: Option<String>,
    output_blob: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
    cancel_reason: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    active: u32,
    suspended: u32,
    total_cost: i64,
    total_tokens: u64,
    reserved_cost: Option<i64>,
    pending_calls: Option<u32>,
    budget: Option<i64>,
}

impl<'a> JsonRow<'a> for RunRow<'a> {
    const TABLE: &'static str = "workflow_runs";
    type Record = RunRecord;

    fn read(columns: &mut Cells<'a>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: columns.text()?,
            workflow_id: columns.get()?,
            definition_fingerprint: columns.get()?,
            status: columns.text()?,
            priority: columns.get()?,
            version: columns.unsigned()?,
            generation: columns.get()?,
            last_sequence: columns.unsigned()?,
            waiting_on: columns.get()?,
            output: columns.get()?,
            output_blob: columns.get()?,
            error_code: columns.get()?,
            error_message: columns.get()?,
            cancel_reason: columns.get()?,
            created_at: columns.get()?,
            started_at: columns.get()?,
            completed_at: columns.get()?,
            active: columns.get()?,
            suspended: columns.get()?,
            total_cost: columns.get()?,
            total_tokens: columns.unsigned()?,
            reserved_cost: columns.get()?,
            pending_calls: columns.get()?,
            budget: columns.get()?,
        })
    }

    fn record(self) -> Result<RunRecord, Failure> {
        let check = Check { table: Self::TABLE, run: &self.id };
        let message = self.error_message;
        let error = self.error_code.map(|code| RunError { code, message: message.unwrap_or_default() });
        Ok(RunRecord {
            id: check.run_id()?,
            workflow_id: self.workflow_id,
            definition_fingerprint: self.definition_fingerprint,
            status: check.status(&self.status)?,
            priority: self.priority,
            version: self.version,
            generation: self.generation,
            last_sequence: self.last_sequence,
            waiting_on: self.waiting_on,
            active: self.active,
            suspended: self.suspended,
            output: check.value("output", self.output, self.output_blob)?,
            error,
            cancel_reason: self.cancel_reason,
            spending: CostSummary {
                cost: Cost::from_picodollars(self.total_cost),
                tokens: self.total_tokens,
                reserved: Cost::from_picodollars(self.reserved_cost.unwrap_or_default()),
                pending_calls: self.pending_calls.unwrap_or_default(),
                budget: self.budget.map(Cost::from_picodollars),
            },
            created_at: check.instant("created_at", self.created_at)?,
            started_at: check.maybe_instant("started_at", self.started_at)?,
            completed_at: check.maybe_instant("completed_at", self.completed_at)?,
        })
    }
}

/// A row of `workflow_stages`.
#[derive(Deserialize)]
pub(super) struct StageRow<'a> {
    #[serde(borrow)]
    workflow_run_id: Cow<'a, str>,
    stage_id: String,
    stage_name: String,
    stage_number: u32,
    execution_group: u32,
    generation: u32,
    #[serde(borrow)]
    status: Cow<'a, str>,
    attempt: u32,
    waiting_on: u32,
    output: Option<String>,
    output_blob: Option<String>,
    error_message: Option<String>,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    suspended_state: Option<String>,
    suspended_state_blob: Option<String>,
    max_wait_until: Option<i64>,
    metrics: Option<String>,
    total_cost: Option<i64>,
    total_tokens: Option<u64>,
    reserved_cost: Option<i64>,
    pending_calls: Option<u32>,
    budget: Option<i64>,
    awaited_cost: Option<i64>,
}

impl<'a> JsonRow<'a> for StageRow<'a> {
    const TABLE: &'static str = "workflow_stages";
    type Record = StageRecord;

    fn read(columns: &mut Cells<'a>) -> rusqlite::Result<Self> {
        Ok(Self {
            workflow_run_id: columns.text()?,
            stage_id: columns.get()?,
            stage_name: columns.get()?,
            stage_number: columns.get()?,
            execution_group: columns.get()?,
            generation: columns.get()?,
            status: columns.text()?,
            attempt: columns.get()?,
            waiting_on: columns.get()?,
            output: columns.get()?,
            output_blob: columns.get()?,
            error_message: columns.get()?,
            started_at: columns.get()?,
            completed_at: columns.get()?,
            suspended_state: columns.get()?,
            suspended_state_blob: columns.get()?,
            max_wait_until: columns.get()?,
            metrics: columns.get()?,
            total_cost: columns.get()?,
            total_tokens: columns.get::<Option<i64>>()?.and_then(|tokens| u64::try_from(tokens).ok()),
            reserved_cost: columns.get()?,
            pending_calls: columns.get()?,
            budget: columns.get()?,
            awaited_cost: columns.get()?,
        })
    }

    fn record(self) -> Result<StageRecord, Failure> {
        let check = Check { table: Self::TABLE, run: &self.workflow_run_id };
        Ok(StageRecord {
            run_id: check.run_id()?,
            stage_id: self.stage_id,
            stage_name: self.stage_name,
            stage_number: self.stage_number,
            execution_group: self.execution_group,
            generation: self.generation,
            status: check.status(&self.status)?,
            attempt: self.attempt,
            waiting_on: self.waiting_on,
            suspended_state: check.value(
                "suspended_state",
                self.suspended_state,
                self.suspended_state_blob,
            )?,
            max_wait_until: check.maybe_instant("max_wait_until", self.max_wait_until)?,
            output: check.value("output", self.output, self.output_blob)?,
            error_message: self.error_message,
            metrics: check.metrics(self.metrics.as_deref())?,
            spending: CostSummary {
                cost: Cost::from_picodollars(self.total_cost.unwrap_or_default()),
                tokens: self.total_tokens.unwrap_or_default(),
                reserved: Cost::from_picodollars(self.reserved_cost.unwrap_or_default()),
                pending_calls: self.pending_calls.unwrap_or_default(),
                budget: self.budget.map(Cost::from_picodollars),
            },
            awaited_cost: self.awaited_cost.map(Cost::from_picodollars),
            started_at: check.maybe_instant("started_at", self.started_at)?,
            completed_at: check.maybe_instant("completed_at", self.completed_at)?,
        })
    }
}

/// A row of `job_queue`.
#[derive(Deserialize)]
pub(super) struct JobRow<'a> {
    #[serde(borrow)]
    workflow_run_id: Cow<'a, str>,
    stage_id: String,
    workflow_id: String,
    definition_fingerprint: String,
    generation: u32,
    #[serde(borrow)]
    status: Cow<'a, str>,
    priority: i32,
    attempt: u32,
    max_attempts: u32,
    lease_epoch: u64,
    worker_id: Option<String>,
    leased_until: Option<i64>,
    run_at: i64,
    woken: u8,
}

impl<'a> JsonRow<'a> for JobRow<'a> {
    const TABLE: &'static str = "job_queue";
    type Record = JobRecord;

    fn read(columns: &mut Cells<'a>) -> rusqlite::Result<Self> {
        Ok(Self {
            workflow_run_id: columns.text()?,
            stage_id: columns.get()?,
            workflow_id: columns.get()?,
            definition_fingerprint: columns.get()?,
            generation: columns.get()?,
            status: columns.text()?,
            priority: columns.get()?,
            attempt: columns.get()?,
            max_attempts: columns.get()?,
            lease_epoch: columns.unsigned()?,
            worker_id: columns.get()?,
            leased_until: columns.get()?,
            run_at: columns.get()?,
            woken: columns.get()?,
        })
    }

    fn record(self) -> Result<JobRecord, Failure> {
        let check = Check { table: Self::TABLE, run: &self.workflow_run_id };
        Ok(JobRecord {
            run_id: check.run_id()?,
            stage_id: self.stage_id,
            workflow_id: self.workflow_id,
            definition_fingerprint: self.definition_fingerprint,
            generation: self.generation,
            status: check.status(&self.status)?,
            priority: self.priority,
            attempt: self.attempt,
            max_attempts: self.max_attempts,
            lease_epoch: self.lease_epoch,
            worker_id: self.worker_id,
            leased_until: check.maybe_instant("leased_until", self.leased_until)?,
            run_at: check.instant("run_at", self.run_at)?,
            woken: self.woken != 0,
        })
    }
}
