//! Reads rows of `workflow_job_queue`.

use std::borrow::Cow;

use serde::Deserialize;

use super::JsonRow;
use crate::records::JobRecord;
use crate::stores::sqlite::failure::Failure;
use crate::stores::sqlite::owned_row::Cells;
use crate::stores::sqlite::row_check::RowCheck;

/// A job as [`JobRow`] reads it; the statement calls the table `j`.
macro_rules! job_columns {
    () => {
        "j.workflow_run_id, j.stage_id, j.workflow_id, j.definition_fingerprint, j.generation, \
         j.status, j.priority, j.attempt, j.max_attempts, j.crashes, j.max_crashes, j.lease_epoch, \
         j.worker_id, j.leased_until, j.run_at, j.woken"
    };
}

/// The same as one JSON array.
macro_rules! job_row {
    () => {
        concat!("json_array(", $crate::stores::sqlite::rows::job_columns!(), ")")
    };
}

pub(in crate::stores::sqlite) use {job_columns, job_row};

/// A row of `workflow_job_queue`.
#[derive(Deserialize)]
pub(in crate::stores::sqlite) struct JobRow<'a> {
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
    crashes: u32,
    max_crashes: u32,
    lease_epoch: u64,
    worker_id: Option<String>,
    leased_until: Option<i64>,
    run_at: i64,
    woken: u8,
}

impl<'a> JsonRow<'a> for JobRow<'a> {
    const TABLE: &'static str = "workflow_job_queue";
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
            crashes: columns.get()?,
            max_crashes: columns.get()?,
            lease_epoch: columns.unsigned()?,
            worker_id: columns.get()?,
            leased_until: columns.get()?,
            run_at: columns.get()?,
            woken: columns.get()?,
        })
    }

    fn record(self) -> Result<JobRecord, Failure> {
        let check = RowCheck { table: Self::TABLE, run: &self.workflow_run_id };
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
            crashes: self.crashes,
            max_crashes: self.max_crashes,
            lease_epoch: self.lease_epoch,
            worker_id: self.worker_id,
            leased_until: check.maybe_instant("leased_until", self.leased_until)?,
            run_at: check.instant("run_at", self.run_at)?,
            woken: self.woken != 0,
        })
    }
}
