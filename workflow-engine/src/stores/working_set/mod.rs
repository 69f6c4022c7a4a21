//! The working set: the rows of one write transaction, in memory.

mod side_rows;
mod signals;
mod tracked;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

pub(super) use self::side_rows::{ArtifactRow, MovedSchedule, SideRows, TagRow, UserStatements, VoidBlobs};
pub(super) use self::signals::{ConsumedSignal, SignalQueue};
pub(super) use self::tracked::{RowOp, Tracked};
use super::calls::CallRow;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
use super::implicit::{ImplicitChange, ImplicitStages, Outline};
use super::pending_notifications::PendingNotifications;
use crate::ports::{Hints, IdempotencyEntry, NewRun, Snapshot};
use crate::records::{BlobKey, EventKind, JobRecord, LogLevel, RunRecord, ScheduleRecord, StageRecord};
use crate::value::{CallId, IdMap, Json, RunId, StageKey};

/// The rows that a transaction has loaded, as its decisions have changed them. The store writes back the dirty ones;
/// dropping the set discards all changes.
#[derive(Debug, Default)]
pub(super) struct WorkingSet {
    /// The runs that decisions name. A named run that is missing here does not exist.
    pub(super) runs: IdMap<RunId, RunRows>,
    /// Idempotency entries, by command, then key.
    pub(super) keys: IdMap<&'static str, HashMap<String, KeyRow>>,
    /// The calls of models that decisions name. A named call that is missing here does not exist.
    pub(super) calls: IdMap<CallId, CallRow>,
    /// The queues of signals that decisions name.
    pub(super) signals: BTreeMap<(RunId, StageKey), SignalQueue>,
    /// The schedules that decisions name, by id.
    pub(super) schedules: BTreeMap<String, ScheduleRecord>,
    /// The commits with events, in order within each run.
    pub(super) commits: Vec<CommitRow>,
    /// New log lines.
    pub(super) logs: Vec<LogRow>,
    /// New blobs.
    pub(super) blobs: Vec<BlobRow>,
    /// Rows that few commits have.
    pub(super) side_rows: SideRows,
    /// The hints to send after the commit.
    pub(super) notifications: PendingNotifications,
}

/// A run with the stages that are loaded.
#[derive(Debug, Default)]
pub(super) struct RunRows {
    pub(super) run: Tracked<RunRecord>,
    /// The run's version as the store holds it. Every change of the record moves it, except for those of its counts
    /// and of the number of its newest event. So where a transaction leaves it, these are all of the record to write.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "the store in memory writes the whole record")
    )]
    pub(super) stored_version: Option<u64>,
    /// The columns that are only inserted, where this transaction creates the run.
    pub(super) created: Option<NewRun>,
    /// The column `commits` of PostgreSQL's row.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only PostgreSQL has the column"))]
    pub(super) commits: i64,
    /// The stages that have no rows.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) implicit: ImplicitStages,
    /// By key. A named stage that is missing here does not exist.
    pub(super) stages: StagesOfRun,
}

/// Stages by key. A transaction loads few stages of a run and moves them from one map to another. So the map is ordered,
/// which costs no hash and sorts them, and boxed, so that only an address moves.
pub(super) type StagesOfRun = BTreeMap<StageKey, Box<StageRows>>;

/// A stage with its job.
#[derive(Clone, Debug, Default)]
pub(super) struct StageRows {
    pub(super) stage: Tracked<StageRecord>,
    pub(super) job: Tracked<JobRecord>,
    /// Whether both are to be written as rows, also where the run could describe them.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) keeps_rows: bool,
}

/// An idempotency entry.
#[derive(Clone, Debug)]
pub(super) struct KeyRow {
    pub(super) request_hash: String,
    pub(super) result: Json,
    /// The run of the command, and the instant, where this transaction inserts the entry.
    pub(super) inserted: Option<(RunId, DateTime<Utc>)>,
    /// Whether this transaction gives a stored entry its result.
    pub(super) is_completed: bool,
}

/// A new commit: what one decision has written events about.
#[derive(Clone, Debug)]
pub(super) struct CommitRow {
    pub(super) run_id: RunId,
    /// The number of the first event. The commit with number 1 creates the run, and its row has the run's request.
    pub(super) sequence: u64,
    /// The number of the last event.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "the store in memory counts the events")
    )]
    pub(super) last_sequence: u64,
    pub(super) at: DateTime<Utc>,
    pub(super) causation_id: String,
    pub(super) events: Vec<EventKind>,
    /// The outline of the run that this commit starts.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) outline: Option<std::sync::Arc<Outline>>,
}

/// A new log line.
#[derive(Clone, Debug)]
pub(super) struct LogRow {
    pub(super) run_id: RunId,
    pub(super) stage_key: Option<StageKey>,
    pub(super) attempt: Option<u32>,
    pub(super) at: DateTime<Utc>,
    pub(super) level: LogLevel,
    pub(super) message: String,
    pub(super) fields: Json,
}

/// A new blob.
#[cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "the store in memory needs the value alone")
)]
#[derive(Clone, Debug)]
pub(super) struct BlobRow {
    pub(super) run_id: RunId,
    pub(super) key: BlobKey,
    pub(super) value: Json,
    pub(super) at: DateTime<Utc>,
}

impl WorkingSet {
    /// Keeps the records of runs that have ended and are watched, for their hints. Nothing of the set changes afterwards.
    pub(super) fn keep_ended_runs(&mut self, hints: &Hints) {
        self.notifications.keep_ended(hints, |run_id| self.runs.get(&run_id)?.run.get());
    }

    /// Returns the run.
    pub(super) fn run(&self, run_id: RunId) -> Option<&RunRecord> {
        self.runs.get(&run_id).and_then(|rows| rows.run.get())
    }

    /// Returns a stage and its job.
    pub(super) fn stage(&self, run_id: RunId, stage_key: &StageKey) -> Option<&StageRows> {
        self.runs.get(&run_id).and_then(|rows| rows.stages.get(stage_key)).map(Box::as_ref)
    }

    /// Returns the entry of an idempotency key.
    pub(super) fn key(&self, command: &str, key: &str) -> Option<&KeyRow> {
        self.keys.get(command).and_then(|keys| keys.get(key))
    }

    /// Adds a run as the store holds it.
    pub(super) fn load_run(&mut self, run: RunRecord) -> &mut RunRows {
        let rows = self.runs.entry(run.id).or_default();
        rows.stored_version = Some(run.version);
        rows.run = Tracked::stored(run);
        rows
    }

    /// Adds a cached run.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn load_cached_run(&mut self, run: RunRecord, implicit: ImplicitStages, commits: i64) {
        let rows = self.load_run(run);
        rows.implicit = implicit;
        rows.commits = commits;
    }

    /// Adds a stage as the store holds it.
    pub(super) fn load_stage(&mut self, stage: StageRecord) {
        let stages = &mut self.runs.entry(stage.run_id).or_default().stages;
        let rows = stages.entry(stage.key()).or_default();
        rows.stage = Tracked::stored(stage);
    }

    /// Adds a job as the store holds it.
    pub(super) fn load_job(&mut self, job: JobRecord) {
        let stages = &mut self.runs.entry(job.run_id).or_default().stages;
        let rows = stages.entry(job.key()).or_default();
        rows.job = Tracked::stored(job);
    }

    /// Adds an idempotency entry as the store holds it.
    pub(super) fn load_key(
        &mut self,
        command: &'static str,
        key: String,
        request_hash: String,
        result: Json,
    ) {
        let row = KeyRow { request_hash, result, inserted: None, is_completed: false };
        self.keys.entry(command).or_default().insert(key, row);
    }

    /// Inserts the idempotency entry of an applied command.
    pub(super) fn insert_key(&mut self, entry: &IdempotencyEntry, run_id: RunId, at: DateTime<Utc>) {
        let row = KeyRow {
            request_hash: entry.request_hash.clone(),
            result: entry.result.clone(),
            inserted: Some((run_id, at)),
            is_completed: false,
        };
        self.keys.entry(entry.command).or_default().insert(entry.key.clone(), row);
    }

    /// Gives an idempotency entry its result.
    pub(super) fn complete_key(&mut self, command: &str, key: &str, result: Json) {
        let Some(row) = self.keys.get_mut(command).and_then(|keys| keys.get_mut(key)) else { return };
        row.result = result;
        row.is_completed = row.inserted.is_none();
    }

    /// Returns the run as a whole; every stage of it must be loaded.
    pub(super) fn snapshot(&self, run_id: RunId) -> Option<Snapshot> {
        let rows = self.runs.get(&run_id)?;
        let run = rows.run.get()?.clone();
        let mut loaded: Vec<&StageRows> = rows.stages.values().map(Box::as_ref).collect();
        loaded.sort_by_key(|rows| rows.stage.get().map(|stage| stage.stage_number));
        let stages = loaded.iter().filter_map(|rows| rows.stage.get().cloned()).collect();
        let jobs = loaded.iter().filter_map(|rows| rows.job.get().cloned()).collect();
        Some(Snapshot { run, stages, jobs })
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl RunRows {
    /// Returns whether the run has rows to be written.
    pub(super) fn has_changes(&self) -> bool {
        let is_changed =
            |rows: &StageRows| rows.stage.row_op() != RowOp::Keep || rows.job.row_op() != RowOp::Keep;
        self.run.get().is_some()
            && (self.run.row_op() != RowOp::Keep
                || self.implicit.change != ImplicitChange::Nothing
                || self.stages.values().any(|rows| is_changed(rows)))
    }
}

#[cfg(any(feature = "postgres", feature = "sqlite"))]
impl WorkingSet {
    /// Returns the request of the run that a commit creates.
    pub(super) fn request(&self, commit: &CommitRow) -> Option<&crate::records::RunRequest> {
        let created = self.runs.get(&commit.run_id)?.created.as_ref()?;
        (commit.sequence == 1).then_some(&created.request)
    }

    /// Returns the entries that this transaction inserts: command, key, row.
    pub(super) fn inserted_keys(&self) -> impl Iterator<Item = (&'static str, &String, &KeyRow)> {
        self.each_key().filter(|(.., row)| row.inserted.is_some())
    }

    /// Returns the stored entries that this transaction gives their result.
    pub(super) fn completed_keys(&self) -> impl Iterator<Item = (&'static str, &String, &KeyRow)> {
        self.each_key().filter(|(.., row)| row.is_completed)
    }

    fn each_key(&self) -> impl Iterator<Item = (&'static str, &String, &KeyRow)> {
        self.keys.iter().flat_map(|(command, keys)| keys.iter().map(move |(key, row)| (*command, key, row)))
    }
}
