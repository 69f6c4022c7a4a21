//! Runs.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{FromColumns, ReadColumns, WriteColumns};
use crate::ports::NewRun;
use crate::records::{JobRecord, Lease, RunParent, RunRecord, RunTimes};
use crate::stores::implicit::{ImplicitStages, parse_entries};

/// The columns from which a run is read. A store may add numbers of its own.
macro_rules! run_columns {
    ($form:ident $(, $number:ident)*) => {
        $crate::stores::rows::$form!(
            r: id,
            ids: [parent_run_id],
            texts: [workflow_id, definition_fingerprint, status, output, output_blob, error_code, error_message,
                cancel_reason, owner, held, parent_stage_id],
            numbers: [priority, version, generation, last_sequence, waiting_on, active, suspended, total_cost,
                total_tokens, reserved_cost, pending_calls, budget, outline_sequence, due_after, deadline,
                parent_generation, depth, is_awaited $(, $number)*],
            flags: [],
            instants: [created_at, started_at, completed_at, held_until, due_at, deadline_at]
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
            completed_at,
            owner,
            held,
            held_until,
            outline_sequence,
            deadline_at
        )
    };
}

/// The columns that [`put_counts`] writes, before the id. No index has any of them.
macro_rules! counted_run_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(last_sequence, waiting_on, active, suspended, held)
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
            created_at,
            due_at,
            due_after,
            deadline,
            parent_run_id,
            parent_stage_id,
            parent_generation,
            depth,
            is_awaited
        )
    };
}

pub(in crate::stores) use {changing_run_columns, counted_run_columns, new_run_columns, run_columns};

/// A run as its row has it.
#[derive(Debug)]
pub(in crate::stores) struct StoredRun {
    pub(in crate::stores) run: RunRecord,
    /// Without the outline, which is in the row of a commit.
    pub(in crate::stores) implicit: ImplicitStages,
}

impl StoredRun {
    /// Returns the leases without rows that were written after `now`: the clock has gone back since.
    pub(in crate::stores) fn leases_since(&self, now: DateTime<Utc>) -> Vec<Lease> {
        let jobs = self.implicit.jobs(&self.run).into_iter().filter(|job| job.run_at > now);
        let lease = |job: JobRecord| Lease {
            run_id: job.run_id,
            stage_key: job.key(),
            generation: job.generation,
            epoch: job.lease_epoch,
        };
        jobs.map(lease).collect()
    }
}

impl FromColumns for StoredRun {
    const TABLE: &'static str = "workflow_runs";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        let id = columns.run_id()?;
        let parent_run_id = columns.maybe_text("parent_run_id")?;
        let workflow_id = columns.text("workflow_id")?;
        let definition_fingerprint = columns.text("definition_fingerprint")?;
        let status = columns.status()?;
        let output = columns.value("output")?;
        let error = columns.error()?;
        let cancel_reason = columns.maybe_text("cancel_reason")?;
        let owner = columns.maybe_text("owner")?;
        let held = columns.maybe_text("held")?;
        let parent_stage_id = columns.maybe_text("parent_stage_id")?;
        let entries = held.as_deref().map(parse_entries).transpose();
        let entries = entries.map_err(|error| columns.unreadable("held", error))?.unwrap_or_default();
        let run = RunRecord {
            id,
            workflow_id,
            definition_fingerprint,
            status,
            output,
            error,
            cancel_reason,
            priority: columns.int("priority")?,
            version: columns.int("version")?,
            generation: columns.int("generation")?,
            last_sequence: columns.int("last_sequence")?,
            waiting_on: columns.int("waiting_on")?,
            active: columns.int("active")?,
            suspended: columns.int("suspended")?,
            spending: columns.spending()?,
            times: RunTimes::default(),
            parent: None,
            created_at: DateTime::UNIX_EPOCH,
            started_at: None,
            completed_at: None,
        };
        let outline_sequence = columns.maybe_int("outline_sequence")?;
        let due_after = columns.maybe_int("due_after")?.map(Duration::from_micros);
        let deadline = columns.maybe_int("deadline")?.map(Duration::from_micros);
        let parent = parent(columns, parent_run_id, parent_stage_id)?;
        let run = RunRecord {
            parent,
            created_at: columns.instant("created_at")?,
            started_at: columns.maybe_instant("started_at")?,
            completed_at: columns.maybe_instant("completed_at")?,
            ..run
        };
        let held_until = columns.maybe_instant("held_until")?;
        let due_at = columns.maybe_instant("due_at")?;
        let deadline_at = columns.maybe_instant("deadline_at")?;
        let run = RunRecord { times: RunTimes { due_at, due_after, deadline_at, deadline }, ..run };
        let implicit =
            ImplicitStages { outline_sequence, owner, held_until, entries, ..ImplicitStages::default() };
        Ok(Self { run, implicit })
    }
}

/// Reads the numbers of the run's parent; its id and its stage are read already.
fn parent<C: ReadColumns>(
    columns: &mut C,
    run_id: Option<String>,
    stage_id: Option<String>,
) -> Result<Option<RunParent>, C::Failure> {
    let generation = columns.maybe_int("parent_generation")?;
    let depth = columns.maybe_int("depth")?;
    let is_awaited: Option<u32> = columns.maybe_int("is_awaited")?;
    let Some(run_id) = run_id else { return Ok(None) };
    let missing = |column| columns.missing(column);
    Ok(Some(RunParent::new(
        run_id.parse().map_err(|error| columns.unreadable("parent_run_id", error))?,
        stage_id.ok_or_else(|| missing("parent_stage_id"))?,
        generation.ok_or_else(|| missing("parent_generation"))?,
        depth.ok_or_else(|| missing("depth"))?,
        is_awaited.ok_or_else(|| missing("is_awaited"))? != 0,
    )))
}

impl FromColumns for RunRecord {
    const TABLE: &'static str = StoredRun::TABLE;

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        StoredRun::from_columns(columns).map(|stored| stored.run)
    }
}

/// Adds the columns that may change.
pub(in crate::stores) fn put_changing<W: WriteColumns>(
    row: &mut W,
    run: &RunRecord,
    implicit: &ImplicitStages,
) {
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
        .maybe_instant(run.completed_at)
        .maybe_text(implicit.owner.as_deref())
        .maybe_text(implicit.held().as_deref())
        .maybe_instant(implicit.held_until)
        .maybe_int(implicit.outline_sequence)
        .maybe_instant(run.times.deadline_at);
}

/// Adds the counts, and the id.
pub(in crate::stores) fn put_counts<W: WriteColumns>(
    row: &mut W,
    run: &RunRecord,
    implicit: &ImplicitStages,
) {
    row.int(run.last_sequence)
        .int(run.waiting_on)
        .int(run.active)
        .int(run.suspended)
        .maybe_text(implicit.held().as_deref())
        .run_id(run.id);
}

/// Adds the columns that never change.
pub(in crate::stores) fn put_new<W: WriteColumns>(row: &mut W, run: &RunRecord, new: &NewRun) {
    row.text(&run.workflow_id)
        .text(&run.workflow_id)
        .text(&new.workflow_name)
        .text(&run.definition_fingerprint)
        .int(run.priority)
        .instant(run.created_at)
        .maybe_instant(run.times.due_at)
        .maybe_int(run.times.due_after.map(|after| after.as_micros()))
        .maybe_int(run.times.deadline.map(|deadline| deadline.as_micros()));
    let parent = run.parent.as_ref();
    row.maybe_uuid(parent.map(|parent| *parent.run_id.as_uuid()))
        .maybe_text(parent.map(|parent| parent.stage_key.to_string()).as_deref())
        .maybe_int(parent.map(|parent| parent.generation))
        .maybe_int(parent.map(|parent| parent.depth))
        .maybe_int(parent.map(|parent| u32::from(parent.is_awaited)));
}
