//! A snapshot: one run with all its stages and jobs.

use crate::records::{JobRecord, RunRecord, StageRecord};
use crate::value::StageKey;

/// A run with all its stages and jobs, from which a structural command decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The run.
    pub run: RunRecord,
    /// The stages in reading order, those of one stage by place; empty before the run is started.
    pub stages: Vec<StageRecord>,
    /// The jobs.
    pub jobs: Vec<JobRecord>,
}

impl Snapshot {
    /// Returns the stage with this key.
    pub(crate) fn stage(&self, key: &StageKey) -> Option<&StageRecord> {
        self.stages.iter().find(|stage| stage.is(key))
    }

    /// Returns the job of the stage with this key.
    pub(crate) fn job(&self, key: &StageKey) -> Option<&JobRecord> {
        self.jobs.iter().find(|job| job.is_of(key))
    }

    /// Returns whether the run lacks a job: a stage that waits for no predecessor and is not terminal has no job that
    /// moves it, or no stage has one. See [`Persistence::stuck_runs`](super::Persistence::stuck_runs).
    pub(crate) fn lacks_a_job(&self) -> bool {
        let moving = || self.jobs.iter().filter(|job| job.moves(self.run.generation));
        let mut ready =
            self.stages.iter().filter(|stage| stage.waiting_on == 0 && !stage.status.is_terminal());
        moving().next().is_none() || ready.any(|stage| moving().all(|job| job.key() != stage.key()))
    }
}
