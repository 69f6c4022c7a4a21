//! A cache of the rows that this process has committed, so that it need not read them again.
//!
//! Every transaction that writes a run moves the `commits` counter of its row. Cached rows are valid as long as the row
//! still has the counter that is cached with them; the statement that writes compares the two under the row's lock. If
//! another process has changed the run, the only cost is that its rows are read again.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::records::{RunRecord, Status};
use crate::stores::working_set::{RowOp, RunRows, StageRows, StagesOfRun, Tracked, WorkingSet};
use crate::value::RunId;

/// The most rows in `recent`: some tens of MB at most.
const MAX_RECENT_ROWS: usize = 16_384;

/// The rows of active runs, which are likely to be written again soon. It drops the least recently written runs first.
#[derive(Default)]
pub(super) struct RowCache {
    segments: Mutex<Segments>,
    /// How many steps were drawn, see [`commits_step`](Self::commits_step).
    steps: AtomicU64,
    random: RandomState,
}

/// A cache in two halves: a run is put into `recent`. When that is full it becomes `older`, and the runs that were in
/// `older` are dropped. This approximates least-recently-used without a list.
#[derive(Default)]
struct Segments {
    recent: HashMap<RunId, CachedRun>,
    older: HashMap<RunId, CachedRun>,
    /// Rows in `recent`.
    recent_rows: usize,
}

/// A run with its cached stages. A completed stage is not kept, since nothing writes it twice.
#[derive(Default)]
pub(super) struct CachedRun {
    commits: i64,
    run: Tracked<RunRecord>,
    stages: StagesOfRun,
}

impl RowCache {
    /// Draws by how much a transaction moves the `commits` of its runs. The step is random because a server that comes
    /// back with an older state, after a failover for example, could otherwise reach a cached number by other commits.
    pub(super) fn commits_step(&self) -> i64 {
        let number = self.steps.fetch_add(1, Ordering::Relaxed);
        let random = u32::try_from(self.random.hash_one(number) >> 33).unwrap_or(0);
        1 + i64::from(random)
    }

    /// Returns whether a run is cached.
    pub(super) fn contains(&self, run_id: RunId) -> bool {
        let segments = self.segments();
        segments.recent.contains_key(&run_id) || segments.older.contains_key(&run_id)
    }

    /// Takes a run out of the cache. It stays out while a statement uses it: if the statement's outcome is unknown, no
    /// wrong rows are left here.
    pub(super) fn take(&self, run_id: RunId) -> Option<CachedRun> {
        let mut segments = self.segments();
        if let Some(run) = segments.recent.remove(&run_id) {
            segments.recent_rows -= run.rows();
            return Some(run);
        }
        segments.older.remove(&run_id)
    }

    /// Puts a run into the cache, if it is active and no later commit of it was cached meanwhile.
    pub(super) fn put(&self, run_id: RunId, run: CachedRun) {
        if !run.is_active() {
            return;
        }
        let later = self.take(run_id).filter(|other| other.commits > run.commits);
        let run = later.unwrap_or(run);
        let mut segments = self.segments();
        segments.recent_rows += run.rows();
        segments.recent.insert(run_id, run);
        if segments.recent_rows > MAX_RECENT_ROWS {
            segments.older = std::mem::take(&mut segments.recent);
            segments.recent_rows = 0;
        }
    }

    /// Caches the rows of a transaction that has committed: it has read them under its locks, and has moved `commits`
    /// by `step`.
    pub(super) fn keep_committed(&self, set: WorkingSet, step: i64) {
        for (run_id, rows) in set.runs {
            if rows.run.get().is_none() {
                continue;
            }
            let run = self.take(run_id).filter(|run| run.commits == rows.commits);
            let mut run = run.unwrap_or_default();
            run.restore(rows, step);
            self.put(run_id, run);
        }
    }

    /// Caches a pending run as it was read; it has no stages yet.
    pub(super) fn keep_pending(&self, run: &RunRecord, commits: i64) {
        self.put(
            run.id,
            CachedRun { commits, run: Tracked::stored(run.clone()), stages: StagesOfRun::default() },
        );
    }

    /// Removes every run.
    pub(super) fn clear(&self) {
        *self.segments() = Segments::default();
    }

    fn segments(&self) -> MutexGuard<'_, Segments> {
        // Nothing panics under this lock.
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CachedRun {
    /// Lends the run with these stages to a transaction, if all of them are cached.
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

    /// Returns the run's row, unless it is lent.
    pub(super) fn run(&self) -> Option<&RunRecord> {
        self.run.get()
    }

    /// Puts lent rows back as they are stored now; a transaction that changed them has moved `commits` by `step`.
    pub(super) fn restore(&mut self, rows: RunRows, step: i64) {
        self.commits = if has_changes(&rows) { rows.commits + step } else { rows.commits };
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

    /// Returns whether the run is likely to be written soon: it is pending, or a stage is ready or running.
    fn is_active(&self) -> bool {
        self.run.get().is_some_and(|run| {
            run.status == Status::Pending || run.status == Status::Running && run.active > 0
        })
    }

    fn rows(&self) -> usize {
        1 + self.stages.len()
    }
}

/// Returns whether a run has rows to be written.
pub(super) fn has_changes(rows: &RunRows) -> bool {
    let changed = |rows: &StageRows| rows.stage.row_op() != RowOp::Keep || rows.job.row_op() != RowOp::Keep;
    rows.run.get().is_some()
        && (rows.run.row_op() != RowOp::Keep || rows.stages.values().any(|rows| changed(rows)))
}
