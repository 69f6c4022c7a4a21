//! Signals: a queue for each stage, of which each wait consumes the oldest.

use workflow_engine::records::Status;

use super::state::Signal;
use super::writes::Stop;
use super::{Reference, Run};
use crate::step::{Claimed, End, Response};
use crate::workflows::waits_for_signal;

impl Reference {
    pub(super) fn signal(
        &mut self,
        run: usize,
        stage: usize,
        key: Option<u8>,
        payload: u64,
    ) -> Result<Response, Stop> {
        if !waits_for_signal(&self.runs[run].workflow.stages[stage]) {
            return Err(Stop::Refused("NOT_A_SIGNAL_STAGE"));
        }
        let request = format!("{run} {stage} {payload}");
        let entry = key.map(|key| ("run.signal", key));
        if let Some(entry) = entry {
            match self.write(|it| it.keys.get(&entry).cloned())? {
                Some((stored, _)) if stored != request => return Err(Stop::Refused("IDEMPOTENCY_CONFLICT")),
                Some((_, response)) => return Ok(response),
                None => {}
            }
        }
        let it = &self.runs[run];
        let status = it.stages.get(stage).map(|stage| stage.status);
        if it.status.is_terminal() || status.is_some_and(Status::is_terminal) {
            let is_ended = matches!(status, Some(Status::Completed | Status::Skipped | Status::Failed));
            return Err(Stop::Refused(if is_ended { "SIGNAL_TOO_LATE" } else { "RUN_OVER" }));
        }
        if status == Some(Status::Suspended) && it.next_signal(stage).is_some() {
            return Err(self.refused_write("SIGNAL_TOO_LATE"));
        }
        self.write(|it| {
            let now = it.now;
            let run = &mut it.runs[run];
            run.signals.push(Signal { stage, payload, consumed_by: None });
            if status == Some(Status::Suspended) {
                run.stages[stage].job.as_mut().expect("a suspended stage has a job").wake(now);
            }
            run.emit_for("stage:signalled", stage);
            it.keys.extend(entry.map(|entry| (entry, (request, Response::Signalled))));
        })?;
        Ok(Response::Signalled)
    }

    /// Returns the end of a check for a signal: the payload of the oldest one, as the check has read it.
    pub(super) fn check_signal(&self, run: usize, stage: usize) -> End {
        let read = self.overtaken.as_ref().map(|overtaken| overtaken.signal);
        match read.unwrap_or_else(|| self.runs[run].next_signal(stage)) {
            Some(payload) => End::Value(payload),
            None => End::Pending { after_ms: None },
        }
    }

    /// Returns whether the stage was woken since its check began, or the lease of the check is lost: a wait whose time has
    /// passed does not time out. A wake without a signal leaves the revision of the run, so one that overtakes the decision
    /// changes nothing.
    pub(super) fn is_woken_or_lost(&self, job: &Claimed, stage: usize) -> bool {
        let woken = match &self.overtaken {
            Some(read) => read.woken || self.runs[job.run].next_signal(stage) != read.signal,
            None => self.is_woken(job.run, stage),
        };
        !self.holds(job, stage) || woken
    }

    /// Returns whether a wake has arrived since the check of the stage began.
    pub(super) fn is_woken(&self, run: usize, stage: usize) -> bool {
        let stage = self.runs[run].stages.get(stage);
        stage.and_then(|stage| stage.job.as_ref()).is_some_and(|job| job.woken)
    }
}

impl Run {
    /// Returns whether one of the stages waits for a signal.
    pub fn has_signal_stage(&self) -> bool {
        self.workflow.stages.iter().any(waits_for_signal)
    }

    /// Returns the payload of the oldest signal of the stage that no wait has consumed.
    pub fn next_signal(&self, stage: usize) -> Option<u64> {
        let mut left =
            self.signals.iter().filter(|signal| signal.stage == stage && signal.consumed_by.is_none());
        left.next().map(|signal| signal.payload)
    }

    /// Consumes the oldest signal of a stage, if it has one.
    pub(super) fn consume_signal(&mut self, stage: usize) {
        let generation = self.generation;
        let mut left =
            self.signals.iter_mut().filter(|signal| signal.stage == stage && signal.consumed_by.is_none());
        if let Some(signal) = left.next() {
            signal.consumed_by = Some(generation);
        }
    }
}
