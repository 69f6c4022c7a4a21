//! Folds the events of a run into its timeline.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::records::{
    AttemptOutcome, AttemptRecord, Event, EventKind, StageWait, Status, TimelineGeneration, WaitReason,
};
use crate::value::{Cost, StageKey};

/// The events of a run that were read so far.
pub(super) struct TimelineFold<'a> {
    /// The stage that is read; `None` for all.
    only: Option<&'a StageKey>,
    pub(super) last_sequence: u64,
    generations: Vec<TimelineGeneration>,
    stages: BTreeMap<StageKey, StageEvents>,
}

/// What the events tell of a stage.
#[derive(Default)]
pub(super) struct StageEvents {
    pub(super) attempts: Vec<AttemptRecord>,
    pub(super) waits: Vec<StageWait>,
}

impl<'a> TimelineFold<'a> {
    pub(super) fn new(only: Option<&'a StageKey>) -> Self {
        Self { only, last_sequence: 0, generations: Vec::new(), stages: BTreeMap::new() }
    }

    /// Returns the generations, and the events by stage.
    pub(super) fn into_parts(self) -> (Vec<TimelineGeneration>, BTreeMap<StageKey, StageEvents>) {
        (self.generations, self.stages)
    }

    pub(super) fn read(&mut self, event: Event) {
        self.last_sequence = event.sequence;
        let at = event.at;
        match event.kind {
            EventKind::WorkflowStarted {} => {
                let number = self.generation() + 1;
                let started_at = at;
                let (ended_at, status, error) = (None, Status::Running, None);
                self.generations.push(TimelineGeneration { number, started_at, ended_at, status, error });
            }
            EventKind::WorkflowCompleted { .. } => self.end(at, Status::Completed, None),
            EventKind::WorkflowFailed { error, .. } => self.end(at, Status::Failed, Some(error)),
            EventKind::WorkflowCancelled { reason } => self.end(at, Status::Cancelled, reason),
            EventKind::StageStarted { stage_id, place, attempt, worker, .. } => {
                let generation = self.generation();
                if let Some(stage) = self.stage(StageKey { id: stage_id, place }) {
                    stage.end_waits(at);
                    stage.push(generation, attempt, AttemptOutcome::Running);
                    stage.last(|last| (last.started_at, last.worker) = (Some(at), worker));
                }
            }
            EventKind::StageSuspended { stage_id, place, .. } => {
                let generation = self.generation();
                if let Some(stage) = self.stage(StageKey { id: stage_id, place }) {
                    stage.open(|open| open.outcome = AttemptOutcome::Waiting);
                    stage.wait(generation, WaitReason::External, at);
                }
            }
            EventKind::StageCompleted { stage_id, place, .. } => {
                self.end_attempt(StageKey { id: stage_id, place }, AttemptOutcome::Completed, None, at);
            }
            EventKind::StageCancelled { stage_id, place, .. } => {
                self.end_attempt(StageKey { id: stage_id, place }, AttemptOutcome::Cancelled, None, at);
            }
            EventKind::StageFailed { stage_id, place, error, .. } => {
                self.end_attempt(StageKey { id: stage_id, place }, AttemptOutcome::Failed, Some(error), at);
            }
            EventKind::StageReturned { stage_id, place, reason, .. } => {
                let generation = self.generation();
                if let Some(stage) = self.stage(StageKey { id: stage_id, place }) {
                    stage.end(AttemptOutcome::Returned, Some(reason), at);
                    stage.wait(generation, WaitReason::Worker, at);
                }
            }
            EventKind::StageRetrying { stage_id, place, attempt, error, delay_ms, .. } => {
                let generation = self.generation();
                if let Some(stage) = self.stage(StageKey { id: stage_id, place }) {
                    stage.retry(generation, attempt, error, delay_ms, at);
                }
            }
            _ => {}
        }
    }

    fn generation(&self) -> u32 {
        self.generations.last().map_or(0, |generation| generation.number)
    }

    fn stage(&mut self, stage_key: StageKey) -> Option<&mut StageEvents> {
        let is_read = self.only.is_none_or(|only| *only == stage_key);
        is_read.then(|| self.stages.entry(stage_key).or_default())
    }

    fn end(&mut self, at: DateTime<Utc>, status: Status, error: Option<String>) {
        if let Some(last) = self.generations.last_mut() {
            (last.ended_at, last.status, last.error) = (Some(at), status, error);
        }
    }

    fn end_attempt(
        &mut self,
        stage_key: StageKey,
        outcome: AttemptOutcome,
        error: Option<String>,
        at: DateTime<Utc>,
    ) {
        if let Some(stage) = self.stage(stage_key) {
            stage.end_waits(at);
            stage.end(outcome, error, at);
        }
    }
}

impl StageEvents {
    /// Notes that the stage was ready at this instant in this generation, and that its first attempt began later or has
    /// not begun.
    pub(super) fn note_ready(&mut self, generation: u32, at: DateTime<Utc>, delay: Option<Duration>) {
        let first = self.attempts.iter().find(|attempt| attempt.generation == generation);
        let to = first.and_then(|attempt| attempt.started_at);
        if first.is_some() && to.is_none_or(|to| to <= at) {
            return;
        }
        let place = self.waits.partition_point(|wait| (wait.generation, wait.from) < (generation, at));
        let due = delay.map(|delay| after(at, delay));
        // The stage from which a rerun begins starts at once.
        let due = due.filter(|due| to.is_none_or(|to| to >= *due));
        let from = due.unwrap_or(at);
        if to != Some(from) {
            self.waits.insert(place, StageWait { generation, reason: WaitReason::Worker, from, to });
        }
        if let Some(due) = due {
            let delay = StageWait { generation, reason: WaitReason::Delay, from: at, to: Some(due) };
            self.waits.insert(place, delay);
        }
    }

    fn retry(&mut self, generation: u32, attempt: u32, error: String, delay_ms: u64, at: DateTime<Utc>) {
        // The stage waits on while its check is retried.
        if self.attempts.last().is_some_and(|last| last.outcome == AttemptOutcome::Waiting) {
            let place = self.attempts.len() - 1;
            self.push(generation, attempt, AttemptOutcome::Retried);
            self.attempts.swap(place, place + 1);
            let check = &mut self.attempts[place];
            (check.is_check, check.error, check.ended_at) = (true, Some(error), Some(at));
            return;
        }
        self.end(AttemptOutcome::Retried, Some(error), at);
        let due = after(at, Duration::from_millis(delay_ms));
        if due > at {
            self.wait(generation, WaitReason::Backoff, at);
            self.end_waits(due);
        }
        self.wait(generation, WaitReason::Worker, due);
    }

    fn wait(&mut self, generation: u32, reason: WaitReason, from: DateTime<Utc>) {
        self.waits.push(StageWait { generation, reason, from, to: None });
    }

    /// Ends the wait that lasts, and removes it if it has not begun.
    fn end_waits(&mut self, at: DateTime<Utc>) {
        self.waits.pop_if(|wait| wait.to.is_none() && wait.from >= at);
        if let Some(last) = self.waits.last_mut()
            && last.to.is_none_or(|to| to > at)
        {
            last.to = Some(at);
        }
    }

    fn last(&mut self, change: impl FnOnce(&mut AttemptRecord)) {
        if let Some(last) = self.attempts.last_mut() {
            change(last);
        }
    }

    /// Changes the attempt that has not ended.
    fn open(&mut self, change: impl FnOnce(&mut AttemptRecord)) {
        if let Some(open) = self.attempts.last_mut().filter(|last| last.ended_at.is_none()) {
            change(open);
        }
    }

    fn end(&mut self, outcome: AttemptOutcome, error: Option<String>, at: DateTime<Utc>) {
        self.open(|open| (open.outcome, open.error, open.ended_at) = (outcome, error, Some(at)));
    }

    fn push(&mut self, generation: u32, number: u32, outcome: AttemptOutcome) {
        self.attempts.push(AttemptRecord {
            generation,
            number,
            is_check: false,
            outcome,
            error: None,
            worker: None,
            worker_id: None,
            started_at: None,
            ended_at: None,
            cost: Cost::ZERO,
        });
    }
}

/// Returns the instant this much later.
fn after(at: DateTime<Utc>, delay: Duration) -> DateTime<Utc> {
    let delay = chrono::TimeDelta::from_std(delay).ok();
    delay.and_then(|delay| at.checked_add_signed(delay)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
