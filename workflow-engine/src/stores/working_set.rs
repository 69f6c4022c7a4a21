//! The rows of one write transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::calls::{CallRow, ReservedRow, SettledRow, VoidedCalls};
use super::pending_notifications::Announcement;
use crate::ports::{IdempotencyEntry, NewRun, Snapshot};
use crate::records::{AnnotationRecord, BlobKey, Event, JobRecord, RunRecord, StageRecord, StoredValue};
use crate::records::{LogLevel, Statement};
use crate::value::{CallId, Json, RunId};

/// The rows that a transaction has loaded, with what its decisions made of them. Nothing is stored until the store
/// writes back what is dirty; dropping the set forgets it all.
#[derive(Debug, Default)]
pub(super) struct WorkingSet {
    /// The runs that decisions name. A run that is not here does not exist.
    pub(super) runs: HashMap<RunId, RunRows>,
    /// Idempotency entries, by command, then key.
    pub(super) keys: HashMap<&'static str, HashMap<String, KeyRow>>,
    /// The calls of models that decisions name. One that is not here does not exist, or nothing names it.
    pub(super) calls: HashMap<CallId, CallRow>,
    /// New events, in order within each run.
    pub(super) events: Vec<Event>,
    /// New log lines.
    pub(super) logs: Vec<LogRow>,
    /// Blobs that are put.
    pub(super) blobs: Vec<BlobRow>,
    /// What few commits have.
    pub(super) attached: SideRows,
    /// What to tell after the commit.
    pub(super) announcement: Announcement,
}

/// A run with those of its stages that are loaded.
#[derive(Debug, Default)]
pub(super) struct RunRows {
    pub(super) run: Tracked<RunRecord>,
    /// The run's version as the store holds it. As long as it stays, only the run's counts and the number of its newest
    /// event change.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "the other stores write the whole row"))]
    pub(super) stored_version: Option<u64>,
    /// What only the inserted row holds, where this transaction creates the run.
    pub(super) created: Option<NewRun>,
    /// What PostgreSQL's row says of its commits.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only PostgreSQL's rows have it"))]
    pub(super) commits: i64,
    /// By stage id. A stage that is not here does not exist, or nothing names it.
    pub(super) stages: StagesOfRun,
}

/// By stage id. A transaction knows a few stages of a run and hands them on from place to place: so they are found without
/// a hash, come in order, and only their address moves.
pub(super) type StagesOfRun = BTreeMap<String, Box<StageRows>>;

/// A stage with its job.
#[derive(Clone, Debug, Default)]
pub(super) struct StageRows {
    pub(super) stage: Tracked<StageRecord>,
    pub(super) job: Tracked<JobRecord>,
}

/// A row that may exist, and whether the transaction has touched it.
#[derive(Clone, Debug)]
pub(super) struct Tracked<T> {
    value: Option<T>,
    stored: bool,
    dirty: bool,
}

/// An idempotency entry.
#[derive(Clone, Debug)]
pub(super) struct KeyRow {
    pub(super) request_hash: String,
    pub(super) result: Json,
    /// The run that its command was about, and when, where this transaction inserts it.
    pub(super) inserted: Option<(RunId, DateTime<Utc>)>,
    /// Whether this transaction gives a stored entry its answer.
    pub(super) is_answered: bool,
}

/// A new log line.
#[derive(Clone, Debug)]
pub(super) struct LogRow {
    pub(super) run_id: RunId,
    pub(super) stage_id: String,
    pub(super) attempt: u32,
    pub(super) at: DateTime<Utc>,
    pub(super) level: LogLevel,
    pub(super) message: String,
    pub(super) fields: Json,
}

/// A blob that is put.
#[cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "a store without rows needs the value alone")
)]
#[derive(Clone, Debug)]
pub(super) struct BlobRow {
    pub(super) run_id: RunId,
    pub(super) key: BlobKey,
    pub(super) value: Json,
    pub(super) at: DateTime<Utc>,
}

/// What hangs on runs and stages. Each kind is written by a statement of its own, and only where there is any.
#[derive(Debug, Default)]
pub(super) struct SideRows {
    /// In the order of their ids to be.
    pub(super) annotations: Vec<AnnotationRecord>,
    /// By run, stage and key: the last word of the transaction.
    pub(super) artifacts: BTreeMap<(RunId, String, String), ArtifactRow>,
    /// The stages whose metrics have changed.
    pub(super) measured: BTreeSet<(RunId, String)>,
    /// New calls of models. They are written before the calls that are settled.
    pub(super) reserved_calls: Vec<ReservedRow>,
    /// Calls that are settled. They are written before the calls that are voided.
    pub(super) settled_calls: Vec<SettledRow>,
    /// The stages whose reserved calls become unknown.
    pub(super) voided: Vec<VoidedCalls>,
    /// The runs, and the stages of runs, whose spending has changed.
    pub(super) spending: BTreeSet<(RunId, Option<String>)>,
    /// To be run after everything else is written.
    pub(super) executed: Vec<UserStatements>,
}

/// An artifact that is kept, or deleted where it has no value.
#[derive(Clone, Debug)]
pub(super) struct ArtifactRow {
    pub(super) generation: u32,
    pub(super) value: Option<StoredValue>,
    pub(super) at: DateTime<Utc>,
}

/// Statements of the user's.
#[derive(Clone, Debug)]
pub(super) struct UserStatements {
    pub(super) run_id: RunId,
    pub(super) stage_id: String,
    pub(super) statements: Vec<Statement>,
}

impl SideRows {
    /// Whether there is nothing.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "others write them where there are any"))]
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            annotations,
            artifacts,
            measured,
            reserved_calls,
            settled_calls,
            voided,
            spending,
            executed,
        } = self;
        annotations.is_empty()
            && artifacts.is_empty()
            && measured.is_empty()
            && reserved_calls.is_empty()
            && settled_calls.is_empty()
            && voided.is_empty()
            && spending.is_empty()
            && executed.is_empty()
    }

    /// Adds those of another decision, which comes later.
    pub(super) fn merge(&mut self, later: Self) {
        self.annotations.extend(later.annotations);
        self.artifacts.extend(later.artifacts);
        self.measured.extend(later.measured);
        self.reserved_calls.extend(later.reserved_calls);
        self.settled_calls.extend(later.settled_calls);
        self.voided.extend(later.voided);
        self.spending.extend(later.spending);
        self.executed.extend(later.executed);
    }
}

/// What becomes of a row when the transaction is written back.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum RowOp<'a, T> {
    Keep,
    Insert(&'a T),
    Update(&'a T),
    Delete,
}

impl WorkingSet {
    /// The run.
    pub(super) fn run(&self, run_id: RunId) -> Option<&RunRecord> {
        self.runs.get(&run_id).and_then(|rows| rows.run.get())
    }

    /// A stage and its job.
    pub(super) fn stage(&self, run_id: RunId, stage_id: &str) -> Option<&StageRows> {
        self.runs.get(&run_id).and_then(|rows| rows.stages.get(stage_id)).map(Box::as_ref)
    }

    /// The entry of an idempotency key.
    pub(super) fn key(&self, command: &str, key: &str) -> Option<&KeyRow> {
        self.keys.get(command).and_then(|keys| keys.get(key))
    }

    /// Puts a run as the store holds it.
    pub(super) fn load_run(&mut self, run: RunRecord) {
        let rows = self.runs.entry(run.id).or_default();
        rows.stored_version = Some(run.version);
        rows.run = Tracked::stored(run);
    }

    /// Puts a stage as the store holds it.
    pub(super) fn load_stage(&mut self, stage: StageRecord) {
        let stages = &mut self.runs.entry(stage.run_id).or_default().stages;
        let rows = stages.entry(stage.stage_id.clone()).or_default();
        rows.stage = Tracked::stored(stage);
    }

    /// Puts a job as the store holds it.
    pub(super) fn load_job(&mut self, job: JobRecord) {
        let stages = &mut self.runs.entry(job.run_id).or_default().stages;
        let rows = stages.entry(job.stage_id.clone()).or_default();
        rows.job = Tracked::stored(job);
    }

    /// Puts an idempotency entry as the store holds it.
    pub(super) fn load_key(
        &mut self,
        command: &'static str,
        key: String,
        request_hash: String,
        result: Json,
    ) {
        let row = KeyRow { request_hash, result, inserted: None, is_answered: false };
        self.keys.entry(command).or_default().insert(key, row);
    }

    /// Puts the idempotency entry of a command that is applied.
    pub(super) fn insert_key(&mut self, entry: &IdempotencyEntry, run_id: RunId, at: DateTime<Utc>) {
        let row = KeyRow {
            request_hash: entry.request_hash.clone(),
            result: entry.result.clone(),
            inserted: Some((run_id, at)),
            is_answered: false,
        };
        self.keys.entry(entry.command).or_default().insert(entry.key.clone(), row);
    }

    /// Gives an idempotency entry its answer.
    pub(super) fn answer_key(&mut self, command: &str, key: &str, result: Json) {
        let Some(row) = self.keys.get_mut(command).and_then(|keys| keys.get_mut(key)) else { return };
        row.result = result;
        row.is_answered = row.inserted.is_none();
    }

    /// The run as a whole; every stage of it must be loaded.
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
impl WorkingSet {
    /// The entries that this transaction inserts: command, key, and what goes with them.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a store without rows keeps its entries otherwise")
    )]
    pub(super) fn inserted_keys(&self) -> impl Iterator<Item = (&'static str, &String, &KeyRow)> {
        self.each_key().filter(|(.., row)| row.inserted.is_some())
    }

    /// The stored entries that this transaction gives their answer.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a store without rows keeps its entries otherwise")
    )]
    pub(super) fn answered_keys(&self) -> impl Iterator<Item = (&'static str, &String, &KeyRow)> {
        self.each_key().filter(|(.., row)| row.is_answered)
    }

    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a store without rows keeps its entries otherwise")
    )]
    fn each_key(&self) -> impl Iterator<Item = (&'static str, &String, &KeyRow)> {
        self.keys.iter().flat_map(|(command, keys)| keys.iter().map(move |(key, row)| (*command, key, row)))
    }
}

impl<T> Tracked<T> {
    /// A row as the store holds it.
    pub(super) fn stored(value: T) -> Self {
        Self { value: Some(value), stored: true, dirty: false }
    }

    /// The row, if it exists.
    pub(super) fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The row itself, if it exists.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "the other stores keep no rows"))]
    pub(super) fn into_inner(self) -> Option<T> {
        self.value
    }

    /// The row, if it exists, to be changed.
    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        self.dirty = true;
        self.value.as_mut()
    }

    /// Inserts or replaces the row.
    pub(super) fn set(&mut self, value: T) -> &mut T {
        self.dirty = true;
        self.value.insert(value)
    }

    /// Deletes the row.
    pub(super) fn delete(&mut self) {
        self.dirty = true;
        self.value = None;
    }

    /// The row is stored as it is here.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn settle(&mut self) {
        self.stored = self.value.is_some();
        self.dirty = false;
    }

    /// What to do with it in the end.
    pub(super) fn row_op(&self) -> RowOp<'_, T> {
        match (&self.value, self.stored) {
            _ if !self.dirty => RowOp::Keep,
            (Some(value), false) => RowOp::Insert(value),
            (Some(value), true) => RowOp::Update(value),
            (None, true) => RowOp::Delete,
            (None, false) => RowOp::Keep,
        }
    }
}

impl<T> Default for Tracked<T> {
    fn default() -> Self {
        Self { value: None, stored: false, dirty: false }
    }
}
