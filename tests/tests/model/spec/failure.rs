//! Attempts that fail: another one follows, or the run is over.

use workflow_engine::records::Status;

use super::trouble::Stop;
use super::{Reference, Run, Stage};
use crate::step::{Claimed, Outcome};

impl Reference {
    pub(super) fn retry(&mut self, job: &Claimed, stage: usize, delay: u64) -> Outcome {
        if !self.holds(job, stage) {
            return Outcome::Ghost;
        }
        let due = self.now + delay;
        let record = &mut self.runs[job.run].stages[stage];
        record.has_error = true;
        record.requeue();
        record.job.as_mut().expect("it is held").run_at = due;
        self.runs[job.run].tell_attempt("stage:retrying", stage, job.attempt);
        Outcome::Failed { retryable: true }
    }

    /// The stage fails for good, and the run with it. Nothing is written where the lease is lost, and that is seen
    /// before.
    pub(super) fn fail(
        &mut self,
        job: &Claimed,
        stage: usize,
        code: &'static str,
        reaped: bool,
    ) -> Result<Outcome, Stop> {
        let once = |it: &mut Self| {
            if !it.holds(job, stage) {
                return Ok(Outcome::Ghost);
            }
            it.write(|it| it.runs[job.run].fail(stage, code))?;
            Ok(Outcome::Failed { retryable: false })
        };
        // A reaper does not insist: it comes again.
        if reaped { once(self) } else { self.commit_with_retry(once) }
    }
}

impl Run {
    fn fail(&mut self, stage: usize, code: &'static str) {
        let record = &mut self.stages[stage];
        let attempt = record.attempt;
        record.status = Status::Failed;
        record.has_error = true;
        let job = record.job.as_mut().expect("it is held");
        job.status = Status::Dead;
        job.lease = None;
        self.tell_attempt("stage:failed", stage, attempt);
        self.cancel_open_stages();
        self.status = Status::Failed;
        self.error = Some(code);
        self.tell("workflow:failed");
    }

    /// Nothing of them commits any more.
    pub(super) fn cancel_open_stages(&mut self) {
        for stage in 0..self.stages.len() {
            if !self.stages[stage].status.is_terminal() {
                self.stages[stage].status = Status::Cancelled;
                self.stages[stage].job = None;
                self.tell_of("stage:cancelled", stage);
            }
        }
    }
}

impl Stage {
    /// Nobody holds its job any more. A stage that waits is to be checked again, not run.
    pub(super) fn requeue(&mut self) {
        if self.status != Status::Suspended {
            self.status = Status::Pending;
        }
        let job = self.job.as_mut().expect("it is held");
        job.status = self.status;
        job.lease = None;
    }
}
