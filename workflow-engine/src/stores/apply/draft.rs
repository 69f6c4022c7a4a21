//! The rows that one decision writes, kept apart from the transaction until all of its changes fit.

mod calls;
mod schedules;
mod signals;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::mismatch::Mismatch;
use crate::ports::{Applied, NewRun};
use crate::records::{
    AnnotationRecord, Claimant, EventKind, JobRecord, RunRecord, ScheduleRecord, StageRecord, Status,
};
use crate::stores::calls::CallRow;
use crate::stores::working_set::{
    ArtifactRow, BlobRow, CommitRow, LogRow, RunRows, SideRows, SignalQueue, StageRows, StagesOfRun, TagRow,
    Tracked, UserStatements, VoidBlobs, WorkingSet,
};
use crate::value::{CallId, IdMap, Json, RunId, StageKey};

/// Copies of the rows that one decision changes. The transaction's own rows stay unchanged until the draft is merged,
/// so a decision that fails half-way leaves no trace.
pub(super) struct Draft<'a> {
    set: &'a WorkingSet,
    /// The transaction's rows of the run, if it is loaded.
    stored: Option<&'a RunRows>,
    run_id: RunId,
    now: DateTime<Utc>,
    written: Written,
}

/// The rows that a draft has written.
#[derive(Default)]
pub(super) struct Written {
    run_id: Option<RunId>,
    run: Option<Tracked<RunRecord>>,
    created: Option<NewRun>,
    stages: StagesOfRun,
    /// The outline of the run that this decision starts.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    outline: Option<std::sync::Arc<crate::stores::implicit::Outline>>,
    calls: IdMap<CallId, CallRow>,
    signals: BTreeMap<StageKey, SignalQueue>,
    schedules: BTreeMap<String, ScheduleRecord>,
    /// The events, whose numbers end at the run's `last_sequence`.
    events: Vec<EventKind>,
    causation_id: String,
    logs: Vec<LogRow>,
    blobs: Vec<BlobRow>,
    /// Command, key and result of each idempotency entry that is completed.
    completed_keys: Vec<(&'static str, String, Json)>,
    /// `None` in most decisions.
    side_rows: Option<Box<SideRows>>,
    applied: Applied,
    /// The first stage that this decision suspends.
    first_suspended: Option<StageKey>,
    /// Whether something became claimable, or due earlier than before.
    work_ready: bool,
    /// Whether the run has a start or a deadline to keep.
    has_timer: bool,
}

impl<'a> Draft<'a> {
    pub(super) fn new(set: &'a WorkingSet, run_id: RunId, now: DateTime<Utc>) -> Self {
        let written = Written { run_id: Some(run_id), ..Written::default() };
        Self { set, stored: set.runs.get(&run_id), run_id, now, written }
    }

    /// The transaction's instant.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The run's id.
    pub(super) fn run_id(&self) -> RunId {
        self.run_id
    }

    /// The effects of the decision so far.
    pub(super) fn applied(&mut self) -> &mut Applied {
        &mut self.written.applied
    }

    /// Notes that something became claimable, or due earlier than before.
    pub(super) fn notify_work(&mut self) {
        self.written.work_ready = true;
    }

    /// Notes that the run has a start or a deadline to keep.
    pub(super) fn notify_timer(&mut self) {
        self.written.has_timer = true;
    }

    /// Returns the run.
    pub(super) fn run(&self) -> Result<&RunRecord, Mismatch> {
        match &self.written.run {
            Some(slot) => slot.get(),
            None => self.stored.and_then(|rows| rows.run.get()),
        }
        .ok_or(Mismatch::NoRun)
    }

    /// Returns the run for a change.
    pub(super) fn run_mut(&mut self) -> Result<&mut RunRecord, Mismatch> {
        let stored = self.stored;
        self.written
            .run
            .get_or_insert_with(|| stored.map(|rows| rows.run.clone()).unwrap_or_default())
            .get_mut()
            .ok_or(Mismatch::NoRun)
    }

    /// Counts one more stage that is ready or running.
    pub(super) fn activate(&mut self) -> Result<(), Mismatch> {
        self.run_mut()?.active += 1;
        Ok(())
    }

    /// Counts one stage less that is ready or running.
    pub(super) fn deactivate(&mut self) -> Result<(), Mismatch> {
        let run = self.run_mut()?;
        run.active = run.active.checked_sub(1).ok_or(Mismatch::NoActiveStage)?;
        Ok(())
    }

    /// Counts an active stage as suspended.
    pub(super) fn enter_suspension(&mut self, stage_key: &StageKey) -> Result<(), Mismatch> {
        self.deactivate()?;
        self.run_mut()?.suspended += 1;
        self.written.first_suspended.get_or_insert_with(|| stage_key.clone());
        Ok(())
    }

    /// Counts one suspended stage less.
    pub(super) fn leave_suspension(&mut self) -> Result<(), Mismatch> {
        let run = self.run_mut()?;
        run.suspended = run.suspended.checked_sub(1).ok_or(Mismatch::NoSuspendedStage)?;
        Ok(())
    }

    /// Returns the number of stages that were ready or running before this decision.
    pub(super) fn active_before(&self) -> u32 {
        self.stored.and_then(|rows| rows.run.get()).map_or(0, |run| run.active)
    }

    /// Returns the first stage that this decision suspends.
    pub(super) fn first_suspended(&self) -> Option<StageKey> {
        self.written.first_suspended.clone()
    }

    /// Inserts the run.
    pub(super) fn create_run(&mut self, run: RunRecord, created: NewRun) -> Result<(), Mismatch> {
        if self.run().is_ok() {
            return Err(Mismatch::RunExists);
        }
        self.written.run.get_or_insert_default().set(run);
        self.written.created = Some(created);
        Ok(())
    }

    /// Notes the stages with which the run starts.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn outline(&mut self, stages: &[crate::ports::NewStage]) {
        self.written.outline = crate::stores::implicit::Outline::of(stages);
    }

    /// Inserts or replaces a stage that has no job.
    pub(super) fn insert_stage(&mut self, stage: StageRecord) {
        let stage_key = stage.key();
        let rows = self.rows(&stage_key);
        rows.stage.set(stage);
        rows.job.delete();
    }

    /// Returns a stage for a change.
    pub(super) fn stage_mut(&mut self, stage_key: &StageKey) -> Result<&mut StageRecord, Mismatch> {
        self.rows(stage_key).stage.get_mut().ok_or_else(|| Mismatch::NoStage(stage_key.clone()))
    }

    /// Returns a stage.
    pub(super) fn stage(&self, stage_key: &StageKey) -> Result<&StageRecord, Mismatch> {
        let written = self.written.stages.get(stage_key).map(Box::as_ref);
        let rows = written.or_else(|| self.stored_stage(stage_key));
        rows.and_then(|rows| rows.stage.get()).ok_or_else(|| Mismatch::NoStage(stage_key.clone()))
    }

    /// Returns a stage's job.
    pub(super) fn job(&self, stage_key: &StageKey) -> Option<&JobRecord> {
        let written = self.written.stages.get(stage_key).map(Box::as_ref);
        written.or_else(|| self.set.stage(self.run_id, stage_key))?.job.get()
    }

    /// Returns a stage's job as it was before this decision.
    pub(super) fn job_before(&self, stage_key: &StageKey) -> Option<&JobRecord> {
        self.set.stage(self.run_id, stage_key)?.job.get()
    }

    /// Returns the slot of a stage's job for a change.
    pub(super) fn job_slot(&mut self, stage_key: &StageKey) -> &mut Tracked<JobRecord> {
        &mut self.rows(stage_key).job
    }

    /// Returns a stage's job for a change.
    pub(super) fn job_mut(&mut self, stage_key: &StageKey) -> Result<&mut JobRecord, Mismatch> {
        self.job_slot(stage_key).get_mut().ok_or_else(|| Mismatch::NoJob(stage_key.clone()))
    }

    /// Writes the run's next event. The commit assigns its number from the run's row, so numbers have no gaps and follow the
    /// order of the commits.
    pub(super) fn event(&mut self, kind: EventKind) -> Result<(), Mismatch> {
        self.run_mut()?.last_sequence += 1;
        self.written.events.push(kind);
        Ok(())
    }

    /// Returns whether the decision has written an event.
    pub(super) fn has_events(&self) -> bool {
        !self.written.events.is_empty()
    }

    /// Sets the cause of the events.
    pub(super) fn caused_by(&mut self, causation_id: String) {
        self.written.causation_id = causation_id;
    }

    /// Writes a log line.
    pub(super) fn log(&mut self, line: LogRow) {
        self.written.logs.push(line);
    }

    /// Writes a blob.
    pub(super) fn put_blob(&mut self, blob: BlobRow) {
        self.written.blobs.push(blob);
    }

    /// Gives an idempotency key its result.
    pub(super) fn complete_key(
        &mut self,
        command: &'static str,
        key: &str,
        result: &Json,
    ) -> Result<(), Mismatch> {
        if self.set.key(command, key).is_none() {
            return Err(Mismatch::NoKey(key.to_owned()));
        }
        self.written.completed_keys.push((command, key.to_owned(), result.clone()));
        Ok(())
    }

    /// Tags the run.
    pub(super) fn tag(&mut self, key: &str, value: &str) {
        let row = TagRow { run_id: self.run_id, key: key.to_owned(), value: value.to_owned() };
        self.side_rows().tags.push(row);
    }

    /// Removes the run from those that programs have enqueued.
    pub(super) fn dequeue(&mut self) {
        let run_id = self.run_id;
        self.side_rows().dequeued.push(run_id);
    }

    /// Writes an annotation.
    pub(super) fn annotate(&mut self, annotation: AnnotationRecord) {
        self.side_rows().annotations.push(annotation);
    }

    /// Writes or deletes an artifact.
    pub(super) fn set_artifact(&mut self, stage_key: &StageKey, key: &str, row: ArtifactRow) {
        let key = (self.run_id, stage_key.clone(), key.to_owned());
        self.side_rows().artifacts.insert(key, row);
    }

    /// Notes that the metrics of the stage differ from the stored ones.
    pub(super) fn metrics_changed(&mut self, stage_key: &StageKey) {
        let run_id = self.run_id;
        self.side_rows().changed_metrics.insert((run_id, stage_key.clone()));
    }

    /// Voids the blobs of a stage from before this generation.
    pub(super) fn void_blobs(&mut self, stage_key: &StageKey, generation: u32) {
        let (run_id, stage_key) = (self.run_id, stage_key.clone());
        self.side_rows().void_blobs.push(VoidBlobs { run_id, stage_key, generation });
    }

    /// Adds statements of the user.
    pub(super) fn execute(&mut self, statements: UserStatements) {
        self.side_rows().user_statements.push(statements);
    }

    /// Returns the side rows for a change.
    fn side_rows(&mut self) -> &mut SideRows {
        self.written.side_rows.get_or_insert_default()
    }

    /// Returns the written rows, and releases the transaction's.
    pub(super) fn into_written(self) -> Written {
        self.written
    }

    /// Returns a stage and its job as they were before this decision.
    fn stored_stage(&self, stage_key: &StageKey) -> Option<&'a StageRows> {
        self.stored.and_then(|rows| rows.stages.get(stage_key)).map(Box::as_ref)
    }

    #[allow(clippy::expect_used, reason = "the stage is inserted where it is missing")]
    fn rows(&mut self, stage_key: &StageKey) -> &mut StageRows {
        if !self.written.stages.contains_key(stage_key) {
            let before = self.stored_stage(stage_key).cloned().unwrap_or_default();
            self.written.stages.insert(stage_key.clone(), Box::new(before));
        }
        self.written.stages.get_mut(stage_key).expect("the stage was inserted")
    }
}

impl Written {
    /// Returns whether the run ends.
    pub(super) fn ends_run(&self) -> bool {
        self.applied.ended.is_some()
    }

    /// Merges the rows into the transaction.
    pub(super) fn merge_into(self, set: &mut WorkingSet, now: DateTime<Utc>) -> Applied {
        let Some(run_id) = self.run_id else { return self.applied };
        let rows: &mut RunRows = set.runs.entry(run_id).or_default();
        let was_terminal = rows.run.get().is_some_and(|run| run.status.is_terminal());
        if let Some(run) = self.run {
            rows.run = run;
        }
        if self.created.is_some() {
            rows.created = self.created;
        }
        rows.stages.extend(self.stages);
        let is_due = |run: &RunRecord| run.status == Status::Pending && run.times.due_at.is_none();
        let is_startable = rows.created.is_some() && rows.run.get().is_some_and(is_due);
        set.calls.extend(self.calls);
        set.signals.extend(self.signals.into_iter().map(|(stage_key, queue)| ((run_id, stage_key), queue)));
        set.schedules.extend(self.schedules);
        let is_terminal = rows.run.get().is_none_or(|run| run.status.is_terminal());
        let priority = rows.run.get().map_or(Claimant::DEFAULT_PRIORITY, |run| run.priority);
        if !self.events.is_empty() {
            let last_sequence = rows.run.get().map_or(0, |run| run.last_sequence);
            let sequence = last_sequence + 1 - self.events.len() as u64;
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            if let Some(outline) = &self.outline {
                rows.implicit.start(outline, sequence);
            }
            set.commits.push(CommitRow {
                run_id,
                sequence,
                last_sequence,
                at: now,
                causation_id: self.causation_id,
                events: self.events,
                #[cfg(any(feature = "postgres", feature = "sqlite"))]
                outline: self.outline,
            });
        }
        set.logs.extend(self.logs);
        set.blobs.extend(self.blobs);
        for (command, key, result) in self.completed_keys {
            set.complete_key(command, &key, result);
        }
        if let Some(side_rows) = self.side_rows {
            set.side_rows.merge(*side_rows);
        }
        // A rerun counts: a caller that was notified of the end reads the run again.
        if is_terminal || was_terminal {
            set.notifications.run_changed(run_id);
        } else {
            set.notifications.run_progressed(run_id);
        }
        if self.work_ready || is_startable {
            set.notifications.work_ready(priority);
        }
        if self.has_timer {
            set.notifications.timer_set();
        }
        self.applied
    }
}
