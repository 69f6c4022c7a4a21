//! Reads rows of `workflow_runs`.

use std::borrow::Cow;

use serde::Deserialize;

use super::JsonRow;
use crate::records::{CostSummary, RunError, RunRecord};
use crate::stores::sqlite::failure::Failure;
use crate::stores::sqlite::owned_row::Cells;
use crate::stores::sqlite::row_check::RowCheck;
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

pub(in crate::stores::sqlite) use {run_columns, run_row};

/// A row of `workflow_runs`.
#[derive(Deserialize)]
pub(in crate::stores::sqlite) struct RunRow<'a> {
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
        let check = RowCheck { table: Self::TABLE, run: &self.id };
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
