//! The row cache: rows of running runs as the newest commit has left them, so that the writer need not read them again.
//!
//! A cached row equals the file's row as long as no other connection has written to the file. So the writer uses the
//! cache only under the write lock, and clears it when `PRAGMA data_version`, read there, shows that another connection
//! has committed. A transaction *takes* the rows that it needs out of the cache, and puts them back only when it has
//! committed: a failed one leaves no row behind that might be wrong. A statement that writes a row past the working set
//! (a heartbeat, a purge, a statement of the user) removes it from the cache.

use super::external_commits::DataVersion;
use crate::records::{RunRecord, StageRecord, Status};
use crate::stores::footprint::Footprint;
use crate::stores::working_set::{RunRows, StagesOfRun, WorkingSet};
use crate::value::{IdMap, RunId};

/// The most rows in one of the two halves. A stage with its job takes about 1 KiB.
const MAX_ROWS: usize = 16_384;

/// The cached rows in two halves. Used rows move to the younger half; when it is full, the older one is dropped.
#[derive(Debug, Default)]
pub(super) struct RowCache {
    /// The state of the file to which the rows belong.
    version: DataVersion,
    young: IdMap<RunId, CachedRun>,
    old: IdMap<RunId, CachedRun>,
    /// The rows in the younger half.
    rows: usize,
}

/// The cached rows of a run.
#[derive(Debug, Default)]
struct CachedRun {
    run: Option<RunRecord>,
    /// The stages that may still run in this generation, with their jobs.
    stages: StagesOfRun,
}

/// The rows that the cache does not have.
#[derive(Debug, Default)]
pub(super) struct Missing<'a> {
    pub(super) runs: Vec<RunId>,
    pub(super) stages: Vec<(RunId, &'a str)>,
}

impl RowCache {
    /// Clears the cache if another connection has committed. Called at the begin of each transaction.
    pub(super) fn validate(&mut self, version: DataVersion) {
        if self.version != version {
            self.clear();
            self.version = version;
        }
    }

    /// Removes all rows.
    pub(super) fn clear(&mut self) {
        (self.young, self.old, self.rows) = (IdMap::default(), IdMap::default(), 0);
    }

    /// Removes a run.
    pub(super) fn remove_run(&mut self, run_id: RunId) {
        self.old.remove(&run_id);
        if let Some(cached) = self.young.remove(&run_id) {
            self.rows -= cached.rows();
        }
    }

    /// Removes a stage and its job.
    pub(super) fn remove_stage(&mut self, run_id: RunId, stage_id: &str) {
        if let Some(cached) = self.old.get_mut(&run_id) {
            cached.stages.remove(stage_id);
        }
        if self.young.get_mut(&run_id).is_some_and(|cached| cached.stages.remove(stage_id).is_some()) {
            self.rows -= 1;
        }
    }

    /// Moves the named rows to the working set, and returns those that are not cached.
    pub(super) fn take<'a>(&mut self, footprint: &'a Footprint, set: &mut WorkingSet) -> Missing<'a> {
        let mut missing = Missing::default();
        for (run_id, stage_ids) in &footprint.runs {
            if let Some(cached) = self.old.remove(run_id) {
                self.rows += cached.rows();
                self.young.insert(*run_id, cached);
            }
            let Some(cached) = self.young.get_mut(run_id) else {
                missing.runs.push(*run_id);
                missing.stages.extend(stage_ids.iter().map(|stage_id| (*run_id, stage_id.as_str())));
                continue;
            };
            let before = cached.rows();
            match cached.run.take() {
                Some(run) => set.load_run(run),
                None => missing.runs.push(*run_id),
            }
            for stage_id in stage_ids {
                let Some((stage_id, rows)) = cached.stages.remove_entry(stage_id) else {
                    missing.stages.push((*run_id, stage_id));
                    continue;
                };
                set.runs.entry(*run_id).or_default().stages.insert(stage_id, rows);
            }
            self.rows -= before - cached.rows();
        }
        missing
    }

    /// Adds the rows of a committed transaction.
    pub(super) fn insert(&mut self, runs: IdMap<RunId, RunRows>) {
        for (run_id, rows) in runs {
            let Some(run) = rows.run.into_inner().filter(|run| run.status == Status::Running) else {
                self.remove_run(run_id);
                continue;
            };
            let cached = self.young.entry(run_id).or_default();
            let before = cached.rows();
            cached.run = Some(run);
            for (stage_id, mut rows) in rows.stages {
                // A suspended stage may wait for days, and only a rerun reads a terminal one again.
                let may_run = |stage: &StageRecord| matches!(stage.status, Status::Pending | Status::Running);
                if rows.stage.get().is_some_and(may_run) {
                    rows.stage.settle();
                    rows.job.settle();
                    cached.stages.insert(stage_id, rows);
                }
            }
            self.rows += cached.rows() - before;
        }
        if self.rows > MAX_ROWS {
            self.old = std::mem::take(&mut self.young);
            self.rows = 0;
        }
    }
}

impl CachedRun {
    fn rows(&self) -> usize {
        usize::from(self.run.is_some()) + self.stages.len()
    }
}

#[cfg(test)]
#[path = "row_cache_tests.rs"]
mod tests;
