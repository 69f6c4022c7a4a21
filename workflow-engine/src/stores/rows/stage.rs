//! Stages.

use super::{FromColumns, ReadColumns, WriteColumns};
use crate::records::StageRecord;
use crate::value::Json;

/// The columns from which a stage is read.
macro_rules! stage_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            s: workflow_run_id,
            ids: [],
            texts: [stage_id, place, stage_name, status, suspended_state, suspended_state_blob, output, output_blob,
                error_message, failure, metrics],
            numbers: [stage_number, execution_group, generation, attempt, waiting_on, arm, total_cost, total_tokens,
                reserved_cost, pending_calls, budget, awaited_cost],
            flags: [],
            instants: [max_wait_until, started_at, completed_at]
        )
    };
}

/// The columns that [`put_changing`] writes after `max_wait_until`, which each store writes in its own way. Metrics, and
/// what a stage has spent, are written by statements of their own.
macro_rules! changing_stage_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            status,
            generation,
            attempt,
            waiting_on,
            arm,
            suspended_state,
            suspended_state_blob,
            output,
            output_blob,
            error_message,
            failure,
            started_at,
            completed_at
        )
    };
}

/// The columns that [`put_new`] writes.
macro_rules! new_stage_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(stage_name, stage_number, execution_group)
    };
}

pub(in crate::stores) use {changing_stage_columns, new_stage_columns, stage_columns};

impl FromColumns for StageRecord {
    const TABLE: &'static str = "workflow_stage_rows";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        Ok(Self {
            run_id: columns.run_id()?,
            stage_id: columns.text("stage_id")?,
            place: columns.place()?,
            stage_name: columns.text("stage_name")?,
            status: columns.status()?,
            suspended_state: columns.value("suspended_state")?,
            output: columns.value("output")?,
            error_message: columns.maybe_text("error_message")?,
            failure: columns.maybe_json("failure")?,
            metrics: columns.metrics()?,
            stage_number: columns.int("stage_number")?,
            execution_group: columns.int("execution_group")?,
            generation: columns.int("generation")?,
            attempt: columns.int("attempt")?,
            waiting_on: columns.int("waiting_on")?,
            arm: columns.maybe_int("arm")?,
            spending: columns.spending()?,
            awaited_cost: columns.maybe_cost("awaited_cost")?,
            max_wait_until: columns.maybe_instant("max_wait_until")?,
            started_at: columns.maybe_instant("started_at")?,
            completed_at: columns.maybe_instant("completed_at")?,
        })
    }
}

/// Adds the columns that may change, `max_wait_until` first.
pub(in crate::stores) fn put_changing<W: WriteColumns>(row: &mut W, stage: &StageRecord) {
    row.maybe_instant(stage.max_wait_until)
        .text(stage.status.as_str())
        .int(stage.generation)
        .int(stage.attempt)
        .int(stage.waiting_on)
        .maybe_int(stage.arm)
        .value(stage.suspended_state.as_ref())
        .value(stage.output.as_ref())
        .maybe_text(stage.error_message.as_deref())
        .maybe_text(stage.failure.as_ref().map(Json::as_str))
        .maybe_instant(stage.started_at)
        .maybe_instant(stage.completed_at);
}

/// Adds the key.
pub(in crate::stores) fn put_key<W: WriteColumns>(row: &mut W, stage: &StageRecord) {
    row.run_id(stage.run_id).stage(&stage.stage_id, &stage.place);
}

/// Adds the columns that never change.
pub(in crate::stores) fn put_new<W: WriteColumns>(row: &mut W, stage: &StageRecord) {
    row.text(&stage.stage_name).int(stage.stage_number).int(stage.execution_group);
}
