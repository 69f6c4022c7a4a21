//! Failed attempts: a retry follows, or the run fails.

use workflow_engine::records::Status;

use super::writes::Stop;
use super::{Reference, Run, Stage};
use crate::step::{Claimed, Outcome};

impl Reference {
    pub(super) fn retry(&mut self, job: &Claimed, stage: usize, delay: u64) -> Outcome {
        if !self.holds(job, stage) {
            return Outcome::Superseded;
        }
        let due = self.now + delay;
        let record = &mut self.runs[job.run].stages[stage];
        record.has_error = true;
        record.requeue();
        record.job.as_mut().expect("it is held").run_at = due;
        self.runs[job.run].emit_attempt("stage:retrying", stage, job.attempt);
        Outcome::Failed { retryable: true }
    }

    /// Fails the stage permanently, and the run with it. A lost lease is detected before the write, so nothing is
    /// written.
    pub(super) fn fail(
        &mut self,
        job: &Claimed,
        stage: usize,
        code: &'static str,
        reaped: bool,
    ) -> Result<Outcome, Stop> {
        let once = |it: &mut Self| {
            if !it.holds(job, stage) {
                return Ok(Outcome::Superseded);
            }
            it.write(|it| {
                it.with_links(job.run, |it| {
                    let run = &mut it.runs[job.run];
                    let active = run.active();
                    let Some(catch) = run.catch_around(stage) else { return run.fail(stage, code) };
                    run.fail_stage(stage);
                    for ready in run.catch(stage, catch) {
                        let delay = it.runs[job.run].delay_of(ready);
                        it.enqueue(job.run, ready, delay, None);
                    }
                    let run = &mut it.runs[job.run];
                    if run.open_outputs() == 0 {
                        run.complete();
                    }
                    run.emit_suspended(active);
                });
            })?;
            Ok(Outcome::Failed { retryable: false })
        };
        // A reaper does not retry: it runs again later.
        if reaped { once(self) } else { self.commit_with_retry(once) }
    }
}

impl Run {
    fn fail(&mut self, stage: usize, code: &'static str) {
        self.fail_stage(stage);
        self.cancel_open_stages();
        self.status = Status::Failed;
        self.error = Some(code);
        self.has_cancel_reason = false;
        self.emit("workflow:failed");
    }

    pub(super) fn complete(&mut self) {
        self.status = Status::Completed;
        // A child that was to be cancelled may have been faster.
        self.has_cancel_reason = false;
        self.emit("workflow:completed");
    }

    fn fail_stage(&mut self, stage: usize) {
        let record = &mut self.stages[stage];
        let attempt = record.attempt;
        record.status = Status::Failed;
        record.has_error = true;
        let job = record.job.as_mut().expect("it is held");
        job.status = Status::Dead;
        job.lease = None;
        self.emit_attempt("stage:failed", stage, attempt);
    }

    /// Cancels the stages that are not terminal.
    pub(super) fn cancel_open_stages(&mut self) {
        for stage in 0..self.stages.len() {
            if !self.stages[stage].status.is_terminal() {
                self.stages[stage].status = Status::Cancelled;
                self.stages[stage].job = None;
                self.emit_for("stage:cancelled", stage);
            }
        }
    }
}

impl Stage {
    /// Returns the job to the queue without a lease. A suspended stage waits for its next check.
    pub(super) fn requeue(&mut self) {
        if self.status != Status::Suspended {
            self.status = Status::Pending;
        }
        let job = self.job.as_mut().expect("it is held");
        job.status = self.status;
        job.lease = None;
    }
}
