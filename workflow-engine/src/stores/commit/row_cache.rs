//! The row cache: rows of active runs as the latest commits have left them, so that the next commit need not read them.
//!
//! A store tells whether a cached row still equals the stored one: SQLite clears the cache when another connection has
//! committed, and PostgreSQL compares the `commits` counter of a run, which every transaction that writes the run moves.
//! A transaction *takes* the rows that it needs, and puts them back only when it has committed: a failed one, or one of
//! unknown outcome, leaves no row behind that might be wrong. A statement that writes a row past the working set removes
//! it.

use crate::records::{RunRecord, StageRecord, Status};
use crate::stores::footprint::Footprint;
use crate::stores::implicit::{ImplicitChange, ImplicitStages};
use crate::stores::working_set::{RunRows, StagesOfRun, WorkingSet};
use crate::value::{IdMap, RunId, StageKey};

/// The most rows in one of the two halves. A stage with its job takes about 1 KiB.
const MAX_ROWS: usize = 16_384;

/// The cached rows in two halves. Used rows move to the younger half; when it is full, the older one is dropped. This
/// approximates least-recently-used without a list.
#[derive(Debug, Default)]
pub(in crate::stores) struct RowCache {
    young: IdMap<RunId, CachedRun>,
    old: IdMap<RunId, CachedRun>,
    /// The rows in the younger half.
    rows: usize,
}

/// The cached rows of a run. All of them are from the state that `commits` numbers.
#[derive(Debug, Default)]
struct CachedRun {
    commits: i64,
    run: Option<RunRecord>,
    /// The stages that have no rows.
    implicit: ImplicitStages,
    /// The stages that may still run in this generation, with their jobs.
    stages: StagesOfRun,
}

/// The rows that the cache does not have.
#[derive(Debug, Default)]
pub(in crate::stores) struct Missing<'a> {
    pub(in crate::stores) runs: Vec<RunId>,
    pub(in crate::stores) stages: Vec<(RunId, &'a StageKey)>,
}

impl RowCache {
    /// Removes all rows.
    pub(in crate::stores) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Removes a run.
    pub(in crate::stores) fn remove_run(&mut self, run_id: RunId) {
        self.old.remove(&run_id);
        if let Some(cached) = self.young.remove(&run_id) {
            self.rows -= cached.rows();
        }
    }

    /// Removes a stage and its job.
    #[cfg(feature = "sqlite")]
    pub(in crate::stores) fn remove_stage(&mut self, run_id: RunId, stage_key: &StageKey) {
        if let Some(cached) = self.old.get_mut(&run_id) {
            cached.stages.remove(stage_key);
        }
        if self.young.get_mut(&run_id).is_some_and(|cached| cached.stages.remove(stage_key).is_some()) {
            self.rows -= 1;
        }
    }

    /// Moves the named rows to the working set, and returns those that are not cached.
    pub(in crate::stores) fn take<'a>(
        &mut self,
        footprint: &'a Footprint,
        set: &mut WorkingSet,
    ) -> Missing<'a> {
        let mut missing = Missing::default();
        for (run_id, stage_keys) in &footprint.runs {
            self.move_to_young(*run_id);
            let Some(cached) = self.young.get_mut(run_id) else {
                missing.runs.push(*run_id);
                missing.stages.extend(stage_keys.iter().map(|stage_key| (*run_id, stage_key)));
                continue;
            };
            let before = cached.rows();
            match cached.run.take() {
                Some(run) => {
                    set.load_cached_run(run, std::mem::take(&mut cached.implicit), cached.commits);
                }
                None => missing.runs.push(*run_id),
            }
            for stage_key in stage_keys {
                let Some((stage_key, rows)) = cached.stages.remove_entry(stage_key) else {
                    missing.stages.push((*run_id, stage_key));
                    continue;
                };
                set.runs.entry(*run_id).or_default().stages.insert(stage_key, rows);
            }
            self.rows -= before - cached.rows();
        }
        missing
    }

    fn move_to_young(&mut self, run_id: RunId) {
        if let Some(cached) = self.old.remove(&run_id) {
            self.rows += cached.rows();
            self.young.insert(run_id, cached);
        }
    }

    /// Returns whether the row of a run is cached.
    #[cfg(feature = "postgres")]
    pub(in crate::stores) fn contains(&self, run_id: RunId) -> bool {
        let cached = self.young.get(&run_id).or_else(|| self.old.get(&run_id));
        cached.is_some_and(|cached| cached.run.is_some())
    }

    /// Adds the rows of a committed transaction. `moved` returns by how much it has moved the `commits` of a run with
    /// these rows.
    pub(in crate::stores) fn insert(&mut self, runs: IdMap<RunId, RunRows>, moved: impl Fn(&RunRows) -> i64) {
        for (run_id, rows) in runs {
            let commits = rows.commits + moved(&rows);
            let Some(run) = rows.run.into_inner().filter(is_active) else {
                self.remove_run(run_id);
                continue;
            };
            self.move_to_young(run_id);
            let cached = self.young.entry(run_id).or_default();
            let before = cached.rows();
            if cached.commits > commits {
                // A later transaction was faster here.
                continue;
            }
            if cached.commits != rows.commits {
                // They are from another state than the one that the transaction has read.
                cached.stages.clear();
            }
            cached.commits = commits;
            cached.run = Some(run);
            cached.implicit = ImplicitStages { change: ImplicitChange::Nothing, ..rows.implicit };
            for (stage_key, mut rows) in rows.stages {
                if rows.stage.get().is_some_and(may_run) {
                    rows.stage.settle();
                    rows.job.settle();
                    rows.keeps_rows = false;
                    cached.stages.insert(stage_key, rows);
                } else {
                    cached.stages.remove(&stage_key);
                }
            }
            let after = cached.rows();
            self.rows = self.rows + after - before;
        }
        if self.rows > MAX_ROWS {
            self.old = std::mem::take(&mut self.young);
            self.rows = 0;
        }
    }
}

/// Returns whether the run is likely to be written soon: it is pending, or a stage is ready or running.
fn is_active(run: &RunRecord) -> bool {
    run.status == Status::Pending || run.status == Status::Running && run.active > 0
}

/// A suspended stage may wait for days, and only a rerun reads a terminal one again.
fn may_run(stage: &StageRecord) -> bool {
    matches!(stage.status, Status::Pending | Status::Running)
}

impl CachedRun {
    fn rows(&self) -> usize {
        usize::from(self.run.is_some()) + self.stages.len()
    }
}

#[cfg(test)]
#[path = "row_cache_tests.rs"]
mod tests;
