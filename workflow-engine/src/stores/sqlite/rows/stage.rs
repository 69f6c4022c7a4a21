//! Reads rows of `workflow_stages`.

use std::borrow::Cow;

use serde::Deserialize;

use super::JsonRow;
use crate::records::{CostSummary, StageRecord};
use crate::stores::sqlite::failure::Failure;
use crate::stores::sqlite::owned_row::Cells;
use crate::stores::sqlite::row_check::RowCheck;
use crate::value::Cost;

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

pub(in crate::stores::sqlite) use {stage_columns, stage_row};

/// A row of `workflow_stages`.
#[derive(Deserialize)]
pub(in crate::stores::sqlite) struct StageRow<'a> {
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
        let check = RowCheck { table: Self::TABLE, run: &self.workflow_run_id };
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
