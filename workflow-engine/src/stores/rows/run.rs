//! Runs.

use super::{FromColumns, ReadColumns, WriteColumns};
use crate::ports::NewRun;
use crate::records::RunRecord;

/// The columns from which a run is read. A store may add numbers of its own.
macro_rules! run_columns {
    ($form:ident $(, $number:ident)*) => {
        $crate::stores::rows::$form!(
            r: id,
            ids: [],
            texts: [workflow_id, definition_fingerprint, status, output, output_blob, error_code, error_message,
                cancel_reason],
            numbers: [priority, version, generation, last_sequence, waiting_on, active, suspended, total_cost,
                total_tokens, reserved_cost, pending_calls, budget $(, $number)*],
            flags: [],
            instants: [created_at, started_at, completed_at]
        )
    };
}

/// The columns that [`put_changing`] writes. What a run has spent is written by statements of its own.
macro_rules! changing_run_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            status,
            output,
            output_blob,
            error_code,
            error_message,
            cancel_reason,
            version,
            generation,
            last_sequence,
            waiting_on,
            active,
            suspended,
            started_at,
            completed_at
        )
    };
}

/// The columns that [`put_new`] writes.
macro_rules! new_run_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            workflow_id,
            workflow_type,
            workflow_name,
            definition_fingerprint,
            priority,
            created_at
        )
    };
}

pub(in crate::stores) use {changing_run_columns, new_run_columns, run_columns};

impl FromColumns for RunRecord {
    const TABLE: &'static str = "workflow_runs";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        Ok(Self {
            id: columns.run_id()?,
            workflow_id: columns.text("workflow_id")?,
            definition_fingerprint: columns.text("definition_fingerprint")?,
            status: columns.status()?,
            output: columns.value("output")?,
            error: columns.error()?,
            cancel_reason: columns.maybe_text("cancel_reason")?,
            priority: columns.int("priority")?,
            version: columns.int("version")?,
            generation: columns.int("generation")?,
            last_sequence: columns.int("last_sequence")?,
            waiting_on: columns.int("waiting_on")?,
            active: columns.int("active")?,
            suspended: columns.int("suspended")?,
            spending: columns.spending()?,
            created_at: columns.instant("created_at")?,
            started_at: columns.maybe_instant("started_at")?,
            completed_at: columns.maybe_instant("completed_at")?,
        })
    }
}

/// Adds the columns that may change.
pub(in crate::stores) fn put_changing<W: WriteColumns>(row: &mut W, run: &RunRecord) {
    let error = run.error.as_ref();
    row.text(run.status.as_str())
        .value(run.output.as_ref())
        .maybe_text(error.map(|error| error.code.as_str()))
        .maybe_text(error.map(|error| error.message.as_str()))
        .maybe_text(run.cancel_reason.as_deref())
        .int(run.version)
        .int(run.generation)
        .int(run.last_sequence)
        .int(run.waiting_on)
        .int(run.active)
        .int(run.suspended)
        .maybe_instant(run.started_at)
        .maybe_instant(run.completed_at);
}

/// Adds the counts, and the id.
pub(in crate::stores) fn put_counts<W: WriteColumns>(row: &mut W, run: &RunRecord) {
    row.int(run.last_sequence).int(run.waiting_on).int(run.active).int(run.suspended).run_id(run.id);
}

/// Adds the columns that never change.
pub(in crate::stores) fn put_new<W: WriteColumns>(row: &mut W, run: &RunRecord, new: &NewRun) {
    row.text(&run.workflow_id)
        .text(&run.workflow_id)
        .text(&new.workflow_name)
        .text(&run.definition_fingerprint)
        .int(run.priority)
        .instant(run.created_at);
}
