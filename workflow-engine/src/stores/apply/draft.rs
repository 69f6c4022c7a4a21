//! What one decision would write, apart from the transaction until all of it fits.

mod calls;

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::ports::{Applied, NewRun};
use crate::records::{
    AnnotationRecord, BlobKey, Claimant, Event, EventKind, JobRecord, RunRecord, StageRecord, Status,
    StoredValue,
};
use crate::stores::calls::CallRow;
use crate::stores::working_set::{
    ArtifactRow, BlobRow, LogRow, RunRows, SideRows, StageRows, StagesOfRun, Tracked, UserStatements,
    WorkingSet,
};
use crate::value::{CallId, Cost, Json, RunId};

/// Copies of the rows that one decision changes. The transaction's own rows stay as they are until the draft is
/// merged, so a decision that fails half-way leaves no trace.
pub(super) struct Draft<'a> {
    set: &'a WorkingSet,
    run_id: RunId,
    now: DateTime<Utc>,
    written: Written,
}

/// The outcome of a draft.
#[derive(Default)]
pub(super) struct Written {
    run_id: Option<RunId>,
    run: Option<Tracked<RunRecord>>,
    created: Option<NewRun>,
    stages: StagesOfRun,
    calls: HashMap<CallId, CallRow>,
    events: Vec<Event>,
    logs: Vec<LogRow>,
    blobs: Vec<BlobRow>,
    answers: Vec<(&'static str, String, Json)>,
    attached: SideRows,
    applied: Applied,
    work: bool,
}

/// A decision that the rows do not allow, whatever its guard says: a mistake of whoever made it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Impossible {
    #[error("it does not exist")]
    NoRun,
    #[error("it has been created already")]
    RunExists,
    #[error("it has been started already")]
    RunIsStarted,
    #[error("it is not over")]
    RunIsNotOver,
    #[error("it is over")]
    RunIsOver,
    #[error("its stage `{0}` is over")]
    StageIsOver(String),
    #[error("it has no stage `{0}`")]
    NoStage(String),
    #[error("its stage `{0}` is not running")]
    StageIsNotRunning(String),
    #[error("its stage `{0}` does not wait")]
    StageDoesNotWait(String),
    #[error("none of its stages is ready or running")]
    NoneIsActive,
    #[error("none of its stages waits")]
    NoneWaits,
    #[error("its stage `{0}` has no job")]
    NoJob(String),
    #[error("its stage `{0}` has a job already")]
    JobExists(String),
    #[error("its stage `{0}` waits for nothing that could be released")]
    StageIsReleased(String),
    #[error("it waits for no stage that could be released")]
    RunIsReleased,
    /// Of this stage, or of the run: what is spent, what is reserved, what is asked for, and the limit.
    #[error("its budget is exceeded")]
    OverBudget(Option<String>, [Cost; 4]),
    #[error("idempotency key `{0}` is not there to be answered")]
    NoKey(String),
}

/// An impossible decision with the run that it is about.
#[derive(Debug, thiserror::Error)]
#[error("run {run_id} does not allow it: {why}")]
struct ImpossibleDecision {
    run_id: RunId,
    why: Impossible,
}

impl Impossible {
    pub(super) fn of(self, run_id: RunId) -> Error {
        match self {
            // Nobody's mistake.
            Self::OverBudget(stage, amounts) => Error::budget_exceeded(run_id, stage.as_deref(), amounts),
            why => Error::store_failed("commit a decision", ImpossibleDecision { run_id, why }),
        }
    }
}

impl<'a> Draft<'a> {
    pub(super) fn new(set: &'a WorkingSet, run_id: RunId, now: DateTime<Utc>) -> Self {
        Self { set, run_id, now, written: Written { run_id: Some(run_id), ..Written::default() } }
    }

    /// The transaction's instant.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The run's id.
    pub(super) fn run_id(&self) -> RunId {
        self.run_id
    }

    /// What the decision has brought about so far.
    pub(super) fn applied(&mut self) -> &mut Applied {
        &mut self.written.applied
    }

    /// Something became claimable, or due earlier than before.
    pub(super) fn announce_work(&mut self) {
        self.written.work = true;
    }

    /// The run.
    pub(super) fn run(&self) -> Result<&RunRecord, Impossible> {
        match &self.written.run {
            Some(slot) => slot.get(),
            None => self.set.run(self.run_id),
        }
        .ok_or(Impossible::NoRun)
    }

    /// The run, to be changed.
    pub(super) fn run_mut(&mut self) -> Result<&mut RunRecord, Impossible> {
        let rows = self.set.runs.get(&self.run_id);
        self.written
            .run
            .get_or_insert_with(|| rows.map(|rows| rows.run.clone()).unwrap_or_default())
            .get_mut()
            .ok_or(Impossible::NoRun)
    }

    /// One more of its stages is ready.
    pub(super) fn activate(&mut self) -> Result<(), Impossible> {
        self.run_mut()?.active += 1;
        Ok(())
    }

    /// One of its stages that were ready or running is so no more.
    pub(super) fn deactivate(&mut self) -> Result<(), Impossible> {
        let run = self.run_mut()?;
        run.active = run.active.checked_sub(1).ok_or(Impossible::NoneIsActive)?;
        Ok(())
    }

    /// One of its stages begins to wait for something outside.
    pub(super) fn suspend(&mut self) -> Result<(), Impossible> {
        self.deactivate()?;
        self.run_mut()?.suspended += 1;
        Ok(())
    }

    /// One of its stages waits no more.
    pub(super) fn resume(&mut self) -> Result<(), Impossible> {
        let run = self.run_mut()?;
        run.suspended = run.suspended.checked_sub(1).ok_or(Impossible::NoneWaits)?;
        Ok(())
    }

    /// So many are ready or running, and so many wait.
    pub(super) fn recount(&mut self, active: u32, suspended: u32) -> Result<(), Impossible> {
        let run = self.run_mut()?;
        (run.active, run.suspended) = (active, suspended);
        run.version += 1;
        Ok(())
    }

    /// How many stages were ready or running before this decision.
    pub(super) fn active_before(&self) -> u32 {
        self.set.run(self.run_id).map_or(0, |run| run.active)
    }

    /// Inserts the run.
    pub(super) fn create_run(&mut self, run: RunRecord, created: NewRun) -> Result<(), Impossible> {
        if self.run().is_ok() {
            return Err(Impossible::RunExists);
        }
        self.written.run.get_or_insert_default().set(run);
        self.written.created = Some(created);
        Ok(())
    }

    /// Inserts or replaces a stage that has no job.
    pub(super) fn insert_stage(&mut self, stage: StageRecord) {
        let stage_id = stage.stage_id.clone();
        let rows = self.rows(&stage_id);
        rows.stage.set(stage);
        rows.job.delete();
    }

    /// A stage, to be changed.
    pub(super) fn stage_mut(&mut self, stage_id: &str) -> Result<&mut StageRecord, Impossible> {
        self.rows(stage_id).stage.get_mut().ok_or_else(|| Impossible::NoStage(stage_id.to_owned()))
    }

    /// A stage.
    pub(super) fn stage(&self, stage_id: &str) -> Result<&StageRecord, Impossible> {
        let written = self.written.stages.get(stage_id).map(Box::as_ref);
        let rows = written.or_else(|| self.set.stage(self.run_id, stage_id));
        rows.and_then(|rows| rows.stage.get()).ok_or_else(|| Impossible::NoStage(stage_id.to_owned()))
    }

    /// The slot of a stage's job, to be changed.
    pub(super) fn job_slot(&mut self, stage_id: &str) -> &mut Tracked<JobRecord> {
        &mut self.rows(stage_id).job
    }

    /// A stage's job, to be changed.
    pub(super) fn job_mut(&mut self, stage_id: &str) -> Result<&mut JobRecord, Impossible> {
        self.job_slot(stage_id).get_mut().ok_or_else(|| Impossible::NoJob(stage_id.to_owned()))
    }

    /// Writes the run's next event.
    pub(super) fn event(&mut self, kind: EventKind) -> Result<(), Impossible> {
        let run = self.run_mut()?;
        run.last_sequence += 1;
        let event = Event { run_id: run.id, sequence: run.last_sequence, at: self.now, kind };
        self.written.events.push(event);
        Ok(())
    }

    /// Writes a log line.
    pub(super) fn log(&mut self, line: LogRow) {
        self.written.logs.push(line);
    }

    /// Puts a blob.
    pub(super) fn put_blob(&mut self, key: &BlobKey, value: &Json) {
        let blob = BlobRow { run_id: self.run_id, key: key.clone(), value: value.clone(), at: self.now };
        self.written.blobs.push(blob);
    }

    /// Gives an idempotency key its answer.
    pub(super) fn answer(
        &mut self,
        command: &'static str,
        key: &str,
        result: &Json,
    ) -> Result<(), Impossible> {
        if self.set.key(command, key).is_none() {
            return Err(Impossible::NoKey(key.to_owned()));
        }
        self.written.answers.push((command, key.to_owned(), result.clone()));
        Ok(())
    }

    /// Notes something.
    pub(super) fn annotate(&mut self, annotation: AnnotationRecord) {
        self.written.attached.annotations.push(annotation);
    }

    /// Keeps or deletes an artifact.
    pub(super) fn keep(&mut self, stage_id: &str, key: &str, row: ArtifactRow) {
        let key = (self.run_id, stage_id.to_owned(), key.to_owned());
        self.written.attached.artifacts.insert(key, row);
    }

    /// The stage has other metrics than it is stored with.
    pub(super) fn metrics_have_changed(&mut self, stage_id: &str) {
        self.written.attached.measured.insert((self.run_id, stage_id.to_owned()));
    }

    /// Has statements of the user's run.
    pub(super) fn execute(&mut self, executed: UserStatements) {
        self.written.attached.executed.push(executed);
    }

    /// Everything that was written, free of the transaction's rows.
    pub(super) fn into_written(self) -> Written {
        self.written
    }

    fn rows(&mut self, stage_id: &str) -> &mut StageRows {
        let before = || self.set.stage(self.run_id, stage_id).cloned().unwrap_or_default();
        self.written.stages.entry(stage_id.to_owned()).or_insert_with(|| Box::new(before()))
    }
}

impl Written {
    /// Puts everything into the transaction.
    pub(super) fn merge_into(self, set: &mut WorkingSet) -> Applied {
        let Some(run_id) = self.run_id else { return self.applied };
        let rows: &mut RunRows = set.runs.entry(run_id).or_default();
        if let Some(run) = self.run {
            rows.run = run;
        }
        if self.created.is_some() {
            rows.created = self.created;
        }
        rows.stages.extend(self.stages);
        let waits_to_be_started =
            rows.created.is_some() && rows.run.get().is_some_and(|run| run.status == Status::Pending);
        set.calls.extend(self.calls);
        let is_over = rows.run.get().is_none_or(|run| run.status.is_terminal());
        let priority = rows.run.get().map_or(Claimant::DEFAULT_PRIORITY, |run| run.priority);
        set.events.extend(self.events);
        set.logs.extend(self.logs);
        set.blobs.extend(self.blobs);
        for (command, key, result) in self.answers {
            set.answer_key(command, &key, result);
        }
        set.attached.merge(self.attached);
        if is_over {
            set.announcement.run(run_id);
        } else {
            set.announcement.open_run(run_id);
        }
        if self.work || waits_to_be_started {
            set.announcement.work(priority);
        }
        self.applied
    }
}

/// The value itself where it is in the row: an event carries no blob.
pub(super) fn inline(value: Option<&StoredValue>) -> Option<Json> {
    match value {
        Some(StoredValue::Inline(json)) => Some(json.clone()),
        Some(StoredValue::Blob(_)) | None => None,
    }
}
