//! The attempts of a stage, derived from the events of its run.

use futures_util::TryStreamExt;

use super::any_run::AnyRun;
use crate::error::Error;
use crate::records::{AttemptOutcome, AttemptRecord, CallStatus, Event, EventKind, Status};
use crate::value::Cost;

impl AnyRun {
    /// Returns the attempts of a stage, in all generations of the run, oldest first: also those that failed before one
    /// that succeeded, and those before a rerun.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::records::AttemptOutcome;
    ///
    /// #[stage(retry(max_attempts = 2, initial = "1ms"))]
    /// async fn fetch(number: u32, ctx: &StageContext) -> StageResult<u32> {
    ///     if ctx.attempt() == 1 {
    ///         return Err(StageError::retryable("the service is unavailable"));
    ///     }
    ///     Ok(number)
    /// }
    ///
    /// workflow! { Fetching = fetch }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Fetching>().build().await?;
    /// let run = engine.start::<Fetching>(FetchInput { number: 7 }).await?;
    /// run.output().await?;
    ///
    /// let attempts = run.attempts::<fetch>().await?;
    /// assert_eq!(attempts[0].outcome, AttemptOutcome::Retried);
    /// assert_eq!(attempts[0].error.as_deref(), Some("the service is unavailable"));
    /// assert_eq!(attempts[1].outcome, AttemptOutcome::Completed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; `STAGE_NOT_FOUND` if the run has started and has no such stage; an error of the store.
    pub async fn attempts(&self, stage_id: &str) -> Result<Vec<AttemptRecord>, Error> {
        let mut attempts = Attempts { stage_id, generation: 0, records: Vec::new() };
        let mut events = self.event_history().limit(1_000).stream();
        while let Some(event) = events.try_next().await? {
            attempts.read(event);
        }
        let mut records = attempts.records;
        let snapshot = self.store().snapshot(self.id()).await?;
        let snapshot = snapshot.ok_or_else(|| Error::run_not_found(self.id()))?;
        let is_known = snapshot.stages.iter().any(|stage| stage.stage_id == stage_id);
        if !is_known && !snapshot.stages.is_empty() {
            return Err(Error::stage_not_found(self.id(), stage_id));
        }
        let job = snapshot.jobs.into_iter().find(|job| job.stage_id == stage_id);
        if let (Some(job), Some(last)) = (job, records.last_mut())
            && job.status == Status::Running
            && last.outcome == AttemptOutcome::Running
        {
            last.worker_id = job.worker_id;
        }
        self.add_costs(stage_id, &mut records).await?;
        Ok(records)
    }

    async fn add_costs(&self, stage_id: &str, attempts: &mut [AttemptRecord]) -> Result<(), Error> {
        let mut calls = self.ai_calls().limit(1_000).stream();
        while let Some(call) = calls.try_next().await? {
            if call.stage_id.as_deref() != Some(stage_id) || call.outcome != CallStatus::Settled {
                continue;
            }
            let of_call = |attempt: &&mut AttemptRecord| {
                attempt.generation == call.generation && attempt.number == call.attempt
            };
            // Of two with one number, the later one counted.
            if let Some(attempt) = attempts.iter_mut().rev().find(of_call) {
                attempt.cost += call.cost;
            }
        }
        Ok(())
    }
}

/// The attempts of a stage so far.
struct Attempts<'a> {
    stage_id: &'a str,
    generation: u32,
    records: Vec<AttemptRecord>,
}

impl Attempts<'_> {
    fn read(&mut self, event: Event) {
        let at = event.at;
        match event.kind {
            EventKind::WorkflowStarted {} => self.generation += 1,
            EventKind::StageStarted { stage_id, attempt, .. } if stage_id == self.stage_id => {
                self.push(attempt, false, AttemptOutcome::Running, Some(at));
            }
            EventKind::StageSuspended { stage_id, .. } if stage_id == self.stage_id => {
                if let Some(open) = self.open() {
                    open.outcome = AttemptOutcome::Waiting;
                }
            }
            EventKind::StageCompleted { stage_id, .. } if stage_id == self.stage_id => {
                self.end(AttemptOutcome::Completed, None, at);
            }
            EventKind::StageCancelled { stage_id, .. } if stage_id == self.stage_id => {
                self.end(AttemptOutcome::Cancelled, None, at);
            }
            EventKind::StageReturned { stage_id, reason, .. } if stage_id == self.stage_id => {
                self.end(AttemptOutcome::Returned, Some(reason), at);
            }
            EventKind::StageFailed { stage_id, error, .. } if stage_id == self.stage_id => {
                self.end(AttemptOutcome::Failed, Some(error), at);
            }
            EventKind::StageRetrying { stage_id, attempt, error, .. } if stage_id == self.stage_id => {
                // The stage waits on while its check is retried.
                if self.open().is_some_and(|open| open.outcome == AttemptOutcome::Waiting) {
                    let place = self.records.len() - 1;
                    self.push(attempt, true, AttemptOutcome::Retried, None);
                    self.records.swap(place, place + 1);
                    let check = &mut self.records[place];
                    (check.error, check.ended_at) = (Some(error), Some(at));
                } else {
                    self.end(AttemptOutcome::Retried, Some(error), at);
                }
            }
            _ => {}
        }
    }

    /// Returns the attempt that has not ended.
    fn open(&mut self) -> Option<&mut AttemptRecord> {
        self.records.last_mut().filter(|last| last.ended_at.is_none())
    }

    fn end(&mut self, outcome: AttemptOutcome, error: Option<String>, at: chrono::DateTime<chrono::Utc>) {
        if let Some(open) = self.open() {
            (open.outcome, open.error, open.ended_at) = (outcome, error, Some(at));
        }
    }

    fn push(
        &mut self,
        number: u32,
        is_check: bool,
        outcome: AttemptOutcome,
        started_at: Option<chrono::DateTime<chrono::Utc>>,
    ) {
        self.records.push(AttemptRecord {
            generation: self.generation,
            number,
            is_check,
            outcome,
            error: None,
            worker_id: None,
            started_at,
            ended_at: None,
            cost: Cost::ZERO,
        });
    }
}
