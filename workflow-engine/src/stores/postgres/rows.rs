//! The rows of runs, as the statement that writes a commit takes them.

use super::arrays::value;
use super::composite::{Record, Records};
use crate::ports::NewRun;
use crate::records::{JobRecord, RunRecord, StageRecord};
use crate::stores::working_set::{RowOp, RunRows, StageRows};
use crate::value::{Json, RunId};

/// What is written of runs, stages and jobs. What is new is inserted and nothing else is: to ask for each row whether
/// it is there would cost more than to write it.
#[derive(Default)]
pub(super) struct RowsOfRuns {
    pub(super) new: Records,
    pub(super) moved: Records,
    pub(super) new_stages: Records,
    pub(super) moved_stages: Records,
    pub(super) jobs: Records,
    pub(super) requeued: Records,
    pub(super) done: Records,
}

impl RowsOfRuns {
    /// Adds those of a run of which something is to be written.
    pub(super) fn push(&mut self, run_id: RunId, rows: &RunRows) {
        let Some(run) = rows.run.get() else { return };
        match &rows.created {
            Some(created) if matches!(rows.run.row_op(), RowOp::Insert(_)) => {
                self.new.push(|row| put_new_run(put_run(row, run), run, created));
            }
            _ => self.moved.push(|row| {
                put_run(row, run);
            }),
        }
        for (stage_id, rows) in &rows.stages {
            self.push_stage(rows);
            match rows.job.row_op() {
                RowOp::Insert(job) => self.jobs.push(|row| put_job(row, job)),
                RowOp::Update(job) => self.requeued.push(|row| put_job(row, job)),
                RowOp::Delete => self.done.push(|row| {
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
            RowOp::Update(stage) => self.moved_stages.push(|row| {
                put_stage(row, stage);
            }),
            RowOp::Keep | RowOp::Delete => {}
        }
    }
}

/// What changes of a run.
fn put_run<'r, 'a>(row: &'r mut Record<'a>, run: &RunRecord) -> &'r mut Record<'a> {
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

/// What does not change of it.
fn put_new_run(row: &mut Record<'_>, run: &RunRecord, created: &NewRun) {
    row.text(&run.workflow_id)
        .text(&created.workflow_name)
        .text(&run.definition_fingerprint)
        .int(run.priority)
        .instant(run.created_at)
        .text(created.request.input.as_str())
        .text(created.request.config.as_str())
        .maybe_text(created.request.metadata.as_ref().map(Json::as_str));
}

/// What changes of a stage.
fn put_stage<'r, 'a>(row: &'r mut Record<'a>, stage: &StageRecord) -> &'r mut Record<'a> {
    let (ticket, ticket_blob) = value(stage.suspended_state.as_ref());
    let (output, output_blob) = value(stage.output.as_ref());
    row.run(stage.run_id)
        .text(&stage.stage_id)
        .text(stage.status.as_str())
        .int(stage.generation)
        .int(stage.attempt)
        .int(stage.waiting_on)
        .maybe_text(ticket)
        .maybe_text(ticket_blob)
        .maybe_instant(stage.max_wait_until)
        .maybe_text(output)
        .maybe_text(output_blob)
        .maybe_text(stage.error_message.as_deref())
        .maybe_instant(stage.started_at)
        .maybe_instant(stage.completed_at)
}

fn put_job(row: &mut Record<'_>, job: &JobRecord) {
    row.run(job.run_id)
        .text(&job.stage_id)
        .text(&job.workflow_id)
        .text(&job.definition_fingerprint)
        .int(job.generation)
        .text(job.status.as_str())
        .int(job.priority)
        .int(job.attempt)
        .int(job.max_attempts)
        .int(job.lease_epoch)
        .maybe_text(job.worker_id.as_deref())
        .maybe_instant(job.leased_until)
        .instant(job.run_at)
        .flag(job.woken);
}
