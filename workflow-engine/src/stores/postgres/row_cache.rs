//! The rows of runs that this process has just written.
//!
//! Every writer of a run moves the `commits` of its row, so what is known here holds for as long as the row still has
//! the number that goes with it. Nothing is believed without comparing that number, in the statement that writes: what
//! another process has changed meanwhile is found out there, and costs the one that did not know a reading.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::records::{RunRecord, Status};
use crate::stores::working_set::{RowOp, RunRows, StageRows, StagesOfRun, Tracked, WorkingSet};
use crate::value::RunId;

/// Rows on one shelf: some tens of MB at the very most.
const ROWS: usize = 16_384;

/// Runs that may go on soon. The least recently written ones are dropped first.
#[derive(Default)]
pub(super) struct KnownRuns {
    shelves: Mutex<Shelves>,
    /// See [`step`](Self::step).
    steps: AtomicU64,
    random: RandomState,
}

/// What is put lies on the upper shelf; when that is full it becomes the lower one, whose runs are dropped.
#[derive(Default)]
struct Shelves {
    upper: HashMap<RunId, KnownRun>,
    lower: HashMap<RunId, KnownRun>,
    /// On the upper one.
    rows: usize,
}

/// A run with those of its stages that are known; an output is not kept, since nothing writes it twice.
#[derive(Default)]
pub(super) struct KnownRun {
    commits: i64,
    run: Tracked<RunRecord>,
    stages: StagesOfRun,
}

impl KnownRuns {
    /// By how much a transaction moves the `commits` of its runs. Not by one: a server that comes back with an older
    /// state, after a failover say, could otherwise arrive at a number that is known here, by commits that are not.
    pub(super) fn step(&self) -> i64 {
        let number = self.steps.fetch_add(1, Ordering::Relaxed);
        let random = u32::try_from(self.random.hash_one(number) >> 33).unwrap_or(0);
        1 + i64::from(random)
    }

    /// Whether something is known of a run.
    pub(super) fn has(&self, run_id: RunId) -> bool {
        let shelves = self.shelves();
        shelves.upper.contains_key(&run_id) || shelves.lower.contains_key(&run_id)
    }

    /// Takes what is known of a run: until it is put back, nobody else believes it.
    pub(super) fn take(&self, run_id: RunId) -> Option<KnownRun> {
        let mut shelves = self.shelves();
        if let Some(known) = shelves.upper.remove(&run_id) {
            shelves.rows -= known.rows();
            return Some(known);
        }
        shelves.lower.remove(&run_id)
    }

    /// Puts it back, if it will be of use, and if nobody has learnt of later commits meanwhile.
    pub(super) fn put(&self, run_id: RunId, known: KnownRun) {
        if !known.moves() {
            return;
        }
        let later = self.take(run_id).filter(|other| other.commits > known.commits);
        let known = later.unwrap_or(known);
        let mut shelves = self.shelves();
        shelves.rows += known.rows();
        shelves.upper.insert(run_id, known);
        if shelves.rows > ROWS {
            shelves.lower = std::mem::take(&mut shelves.upper);
            shelves.rows = 0;
        }
    }

    /// Keeps what a transaction has read under its locks and written; it is committed, and has moved `commits` by
    /// `step`.
    pub(super) fn learn(&self, set: WorkingSet, step: i64) {
        for (run_id, rows) in set.runs {
            if rows.run.get().is_none() {
                continue;
            }
            let known = self.take(run_id).filter(|known| known.commits == rows.commits);
            let mut known = known.unwrap_or_default();
            known.take_back(rows, step);
            self.put(run_id, known);
        }
    }

    /// Keeps what was read of a run that nobody has started, which has no stages yet.
    pub(super) fn learn_of(&self, run: &RunRecord, commits: i64) {
        self.put(
            run.id,
            KnownRun { commits, run: Tracked::stored(run.clone()), stages: StagesOfRun::default() },
        );
    }

    /// Forgets everything.
    pub(super) fn forget(&self) {
        *self.shelves() = Shelves::default();
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        // Nothing panics under this lock.
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KnownRun {
    /// Lends the run with these stages to a transaction, if all of them are known.
    pub(super) fn lend(&mut self, stages: &BTreeSet<String>) -> Option<RunRows> {
        if !stages.iter().all(|stage_id| self.stages.contains_key(stage_id)) {
            return None;
        }
        let lent = stages.iter().filter_map(|stage_id| self.stages.remove_entry(stage_id)).collect();
        Some(RunRows {
            run: std::mem::take(&mut self.run),
            commits: self.commits,
            stages: lent,
            ..RunRows::default()
        })
    }

    /// The run, if it is not lent.
    pub(super) fn run(&self) -> Option<&RunRecord> {
        self.run.get()
    }

    /// Takes them back as they are stored now.
    pub(super) fn take_back(&mut self, rows: RunRows, step: i64) {
        self.commits = if is_touched(&rows) { rows.commits + step } else { rows.commits };
        self.run = rows.run;
        self.run.settle();
        for (stage_id, mut rows) in rows.stages {
            rows.stage.settle();
            rows.job.settle();
            if rows.stage.get().is_some_and(|stage| !stage.status.is_terminal()) {
                self.stages.insert(stage_id, rows);
            } else {
                self.stages.remove(&stage_id);
            }
        }
    }

    /// Whether something of it will be written soon: not when it is over, or all of it waits.
    fn moves(&self) -> bool {
        self.run.get().is_some_and(|run| {
            run.status == Status::Pending || run.status == Status::Running && run.active > 0
        })
    }

    fn rows(&self) -> usize {
        1 + self.stages.len()
    }
}

/// Whether something of the run is to be written.
pub(super) fn is_touched(rows: &RunRows) -> bool {
    let touched = |rows: &StageRows| rows.stage.row_op() != RowOp::Keep || rows.job.row_op() != RowOp::Keep;
    rows.run.get().is_some()
        && (rows.run.row_op() != RowOp::Keep || rows.stages.values().any(|rows| touched(rows)))
}
