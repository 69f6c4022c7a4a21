//! The rows of runs in flight, as the newest commit has left them: what the writer need not read again.
//!
//! They are the file's own rows as long as nothing else has written to it. So they are looked at only under the write
//! lock, after `PRAGMA data_version` has said that no other connection has committed; and they are *taken*: what a
//! transaction takes comes back with its commit, or never.

use std::collections::HashMap;

use super::external_commits::DataVersion;
use crate::records::{RunRecord, StageRecord, Status};
use crate::stores::footprint::Footprint;
use crate::stores::working_set::{RunRows, StagesOfRun, WorkingSet};
use crate::value::RunId;

/// The most rows in one of the two halves; a stage with its job takes about a KiB.
const LARGEST_HALF: usize = 16_384;

/// The rows, in two halves: what is used is in the younger one, and when that is full the older one is dropped.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    /// The state of the file that they are of.
    version: DataVersion,
    young: HashMap<RunId, Kept>,
    old: HashMap<RunId, Kept>,
    /// The rows in the younger half.
    rows: usize,
}

/// What is known of a run.
#[derive(Debug, Default)]
struct Kept {
    run: Option<RunRecord>,
    /// The stages that may still run, with their jobs.
    stages: StagesOfRun,
}

/// What has to be read.
#[derive(Debug, Default)]
pub(super) struct Missing<'a> {
    pub(super) runs: Vec<RunId>,
    pub(super) stages: Vec<(RunId, &'a str)>,
}

impl InFlight {
    /// What the transaction that has just begun may rely on: nothing, where another connection has committed since.
    pub(super) fn begin(&mut self, version: DataVersion) {
        if self.version != version {
            self.forget();
            self.version = version;
        }
    }

    /// Forgets everything.
    pub(super) fn forget(&mut self) {
        (self.young, self.old, self.rows) = (HashMap::new(), HashMap::new(), 0);
    }

    /// Forgets a run.
    pub(super) fn forget_run(&mut self, run_id: RunId) {
        self.old.remove(&run_id);
        if let Some(kept) = self.young.remove(&run_id) {
            self.rows -= kept.rows();
        }
    }

    /// Forgets a stage and its job.
    pub(super) fn forget_stage(&mut self, run_id: RunId, stage_id: &str) {
        if let Some(kept) = self.old.get_mut(&run_id) {
            kept.stages.remove(stage_id);
        }
        if self.young.get_mut(&run_id).is_some_and(|kept| kept.stages.remove(stage_id).is_some()) {
            self.rows -= 1;
        }
    }

    /// Moves the named rows to the transaction, and says which are not here.
    pub(super) fn take<'a>(&mut self, footprint: &'a Footprint, set: &mut WorkingSet) -> Missing<'a> {
        let mut missing = Missing::default();
        for (run_id, stage_ids) in &footprint.runs {
            if let Some(kept) = self.old.remove(run_id) {
                self.rows += kept.rows();
                self.young.insert(*run_id, kept);
            }
            let Some(kept) = self.young.get_mut(run_id) else {
                missing.runs.push(*run_id);
                missing.stages.extend(stage_ids.iter().map(|stage_id| (*run_id, stage_id.as_str())));
                continue;
            };
            let before = kept.rows();
            match kept.run.take() {
                Some(run) => set.load_run(run),
                None => missing.runs.push(*run_id),
            }
            for stage_id in stage_ids {
                let Some((stage_id, rows)) = kept.stages.remove_entry(stage_id) else {
                    missing.stages.push((*run_id, stage_id));
                    continue;
                };
                set.runs.entry(*run_id).or_default().stages.insert(stage_id, rows);
            }
            self.rows -= before - kept.rows();
        }
        missing
    }

    /// Keeps the rows of a transaction that is committed.
    pub(super) fn keep(&mut self, runs: HashMap<RunId, RunRows>) {
        for (run_id, rows) in runs {
            let Some(run) = rows.run.into_inner().filter(|run| run.status == Status::Running) else {
                self.forget_run(run_id);
                continue;
            };
            let kept = self.young.entry(run_id).or_default();
            let before = kept.rows();
            kept.run = Some(run);
            for (stage_id, mut rows) in rows.stages {
                // One that waits may do so for days, and one that is over is read again by nothing but a rerun.
                let may_run = |stage: &StageRecord| matches!(stage.status, Status::Pending | Status::Running);
                if rows.stage.get().is_some_and(may_run) {
                    rows.stage.settle();
                    rows.job.settle();
                    kept.stages.insert(stage_id, rows);
                }
            }
            self.rows += kept.rows() - before;
        }
        if self.rows > LARGEST_HALF {
            self.old = std::mem::take(&mut self.young);
            self.rows = 0;
        }
    }
}

impl Kept {
    fn rows(&self) -> usize {
        usize::from(self.run.is_some()) + self.stages.len()
    }
}

#[cfg(test)]
#[path = "row_cache_tests.rs"]
mod tests;
