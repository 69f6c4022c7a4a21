//! The rows of runs, stages and jobs, encoded for the statement that writes a commit.

use super::composite::{CompositeRow, CompositeRows};
use crate::records::JobRecord;
use crate::stores::rows::{WriteColumns, job, run, stage};
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
                self.new_runs.push(|row| {
                    run::put_changing(row, run);
                    row.run_id(run.id);
                    run::put_new(row, run, created);
                });
            }
            _ => self.updated_runs.push(|row| {
                run::put_changing(row, run);
                row.run_id(run.id);
            }),
        }
        for (stage_id, rows) in &rows.stages {
            self.push_stage(rows);
            match rows.job.row_op() {
                RowOp::Insert(job) => self.new_jobs.push(|row| put_job(row, job)),
                RowOp::Update(job) => self.updated_jobs.push(|row| put_job(row, job)),
                RowOp::Delete => self.deleted_jobs.push(|row| {
                    row.run_id(run_id).text(stage_id);
                }),
                RowOp::Keep => {}
            }
        }
    }

    fn push_stage(&mut self, rows: &StageRows) {
        match rows.stage.row_op() {
            RowOp::Insert(stage) => self.new_stages.push(|row| {
                stage::put_changing(row, stage);
                stage::put_key(row, stage);
                stage::put_new(row, stage);
            }),
            RowOp::Update(stage) => self.updated_stages.push(|row| {
                stage::put_changing(row, stage);
                stage::put_key(row, stage);
            }),
            RowOp::Keep | RowOp::Delete => {}
        }
    }
}

fn put_job(row: &mut CompositeRow<'_>, job: &JobRecord) {
    job::put_changing(row, job);
    job::put_key(row, job);
    job::put_new(row, job);
}
