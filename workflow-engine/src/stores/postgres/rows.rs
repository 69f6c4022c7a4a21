//! The rows of runs, stages and jobs, encoded for the statement that writes a commit.

use super::arrays::value;
use super::composite::{CompositeRow, CompositeRows};
use crate::ports::NewRun;
use crate::records::{JobRecord, RunRecord, StageRecord};
use crate::stores::working_set::{RowOp, RunRows, StageRows};
use crate::value::RunId;

/// The rows of runs, stages and jobs to be written. New rows are inserted and others updated: `ON CONFLICT`, which
/// checks whether each row exists, would cost more than the write itself.
#[derive(Default)]
pub(super) struct RunWrites {
    pub(super) new_runs: CompositeRows,
    pub(super) updated_runs: CompositeRows,
    pub(super) new_stages: CompositeRows,
    pub(super) updated_stages: CompositeRows,
    pub(super) new_jobs: CompositeRows,
    pub(super) updated_jobs: CompositeRows,
    pub(super) deleted_jobs: CompositeRows,
}

impl RunWrites {
    /// Adds the changed rows of a run.
    pub(super) fn push(&mut self, run_id: RunId, rows: &RunRows) {
        let Some(run) = rows.run.get() else { return };
        match &rows.created {
            Some(created) if matches!(rows.run.row_op(), RowOp::Insert(_)) => {
                self.new_runs.push(|row| put_new_run(put_run(row, run), run, created));
            }
            _ => self.updated_runs.push(|row| {
                put_run(row, run);
            }),
        }
        for (stage_id, rows) in &rows.stages {
            self.push_stage(rows);
            match rows.job.row_op() {
                RowOp::Insert(job) => self.new_jobs.push(|row| put_job(row, job)),
                RowOp::Update(job) => self.updated_jobs.push(|row| put_job(row, job)),
                RowOp::Delete => self.deleted_jobs.push(|row| {
                    row.run(run_id).text(stage_id);
                }),
                RowOp::Keep => {}
            }
        }
    }

    fn push_stage(&mut self, rows: &StageRows) {
        match rows.stage.row_op() {
            RowOp::Insert(stage) => self.new_stages.push(|row| {
                put_stage(row, stage)
                    .text(&stage.stage_name)
                    .int(stage.stage_number)
                    .int(stage.execution_group);
            }),
            RowOp::Update(stage) => self.updated_stages.push(|row| {
                put_stage(row, stage);
            }),
            RowOp::Keep | RowOp::Delete => {}
        }
    }
}

/// Adds the columns of a run that may change.
fn put_run<'r, 'a>(row: &'r mut CompositeRow<'a>, run: &RunRecord) -> &'r mut CompositeRow<'a> {
    let (output, output_blob) = value(run.output.as_ref());
    row.run(run.id)
        .text(run.status.as_str())
        .maybe_text(output)
        .maybe_text(output_blob)
        .maybe_text(run.error.as_ref().map(|error| error.code.as_str()))
        .maybe_text(run.error.as_ref().map(|error| error.message.as_str()))
        .maybe_text(run.cancel_reason.as_deref())
        .int(run.version)
        .int(run.generation)
        .int(run.last_sequence)
        .int(run.waiting_on)
        .int(run.active)
        .int(run.suspended)
        .maybe_instant(run.started_at)
        .maybe_instant(run.completed_at)
}

/// Adds the columns of a run that never change.
fn put_new_run(row: &mut CompositeRow<'_>, run: &RunRecord, created: &NewRun) {
    row.text(&run.workflow_id)
        .text(&created.workflow_name)
        .text(&run.definition_fingerprint)
        .int(run.priority)
        .instant(run.created_at);
}

/// Adds the columns of a stage that may change.
fn put_stage<'r, 'a>(row: &'r mut CompositeRow<'a>, stage: &StageRecord) -> &'r mut CompositeRow<'a> {
    let (suspended_state, suspended_state_blob) = value(stage.suspended_state.as_ref());
    let (output, output_blob) = value(stage.output.as_ref());
    row.run(stage.run_id)
        .text(&stage.stage_id)
        .text(stage.status.as_str())
        .int(stage.generation)
        .int(stage.attempt)
        .int(stage.waiting_on)
        .maybe_text(suspended_state)
        .maybe_text(suspended_state_blob)
        .maybe_instant(stage.max_wait_until)
        .maybe_text(output)
        .maybe_text(output_blob)
        .maybe_text(stage.error_message.as_deref())
        .maybe_instant(stage.started_at)
        .maybe_instant(stage.completed_at)
}

/// Adds a job's columns.
fn put_job(row: &mut CompositeRow<'_>, job: &JobRecord) {
    row.run(job.run_id)
        .text(&job.stage_id)
        .text(&job.workflow_id)
        .text(&job.definition_fingerprint)
        .int(job.generation)
        .text(job.status.as_str())
        .int(job.priority)
        .int(job.attempt)
        .int(job.max_attempts)
        .int(job.crashes)
        .int(job.max_crashes)
        .int(job.lease_epoch)
        .maybe_text(job.worker_id.as_deref())
        .maybe_instant(job.leased_until)
        .instant(job.run_at)
        .flag(job.woken);
}
