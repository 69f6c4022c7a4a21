//! Jobs.

use super::{FromColumns, ReadColumns, WriteColumns};
use crate::records::JobRecord;

/// The columns from which a job is read.
macro_rules! job_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            j: workflow_run_id,
            ids: [],
            texts: [stage_id, place, workflow_id, definition_fingerprint, status, worker_id],
            numbers: [generation, priority, attempt, max_attempts, crashes, max_crashes, lease_epoch],
            flags: [woken],
            instants: [leased_until, run_at]
        )
    };
}

/// The columns that [`put_changing`] writes after `run_at` and `leased_until`, which each store writes in its own way.
macro_rules! changing_job_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(
            generation,
            status,
            priority,
            attempt,
            max_attempts,
            crashes,
            max_crashes,
            lease_epoch,
            worker_id,
            woken
        )
    };
}

/// The columns that [`put_new`] writes.
macro_rules! new_job_columns {
    ($form:ident) => {
        $crate::stores::rows::$form!(workflow_id, definition_fingerprint)
    };
}

pub(in crate::stores) use {changing_job_columns, job_columns, new_job_columns};

impl FromColumns for JobRecord {
    const TABLE: &'static str = "workflow_job_queue";

    fn from_columns<C: ReadColumns>(columns: &mut C) -> Result<Self, C::Failure> {
        Ok(Self {
            run_id: columns.run_id()?,
            stage_id: columns.text("stage_id")?,
            place: columns.place()?,
            workflow_id: columns.text("workflow_id")?,
            definition_fingerprint: columns.text("definition_fingerprint")?,
            status: columns.status()?,
            worker_id: columns.maybe_text("worker_id")?,
            generation: columns.int("generation")?,
            priority: columns.int("priority")?,
            attempt: columns.int("attempt")?,
            max_attempts: columns.int("max_attempts")?,
            crashes: columns.int("crashes")?,
            max_crashes: columns.int("max_crashes")?,
            lease_epoch: columns.int("lease_epoch")?,
            woken: columns.int::<u8>("woken")? != 0,
            leased_until: columns.maybe_instant("leased_until")?,
            run_at: columns.instant("run_at")?,
        })
    }
}

/// Adds the columns that may change, `run_at` and `leased_until` first.
pub(in crate::stores) fn put_changing<W: WriteColumns>(row: &mut W, job: &JobRecord) {
    row.instant(job.run_at)
        .maybe_instant(job.leased_until)
        .int(job.generation)
        .text(job.status.as_str())
        .int(job.priority)
        .int(job.attempt)
        .int(job.max_attempts)
        .int(job.crashes)
        .int(job.max_crashes)
        .int(job.lease_epoch)
        .maybe_text(job.worker_id.as_deref())
        .flag(job.woken);
}

/// Adds the key.
pub(in crate::stores) fn put_key<W: WriteColumns>(row: &mut W, job: &JobRecord) {
    row.run_id(job.run_id).stage(&job.stage_id, &job.place);
}

/// Adds the columns that never change.
pub(in crate::stores) fn put_new<W: WriteColumns>(row: &mut W, job: &JobRecord) {
    row.text(&job.workflow_id).text(&job.definition_fingerprint);
}
