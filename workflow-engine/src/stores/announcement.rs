//! What a transaction has to tell once it is committed.

use std::collections::HashSet;

use crate::id::RunId;
use crate::ports::Hints;

/// The hints of one transaction, collected while it runs and given after its commit: given earlier, whoever hears
/// them would look at the state before.
#[derive(Debug, Default)]
pub(super) struct Announcement {
    runs: HashSet<RunId>,
    ended: HashSet<RunId>,
    work: bool,
}

impl Announcement {
    /// Something of this run has changed.
    pub(super) fn run(&mut self, run_id: RunId) {
        self.runs.insert(run_id);
    }

    /// It is over.
    pub(super) fn end(&mut self, run_id: RunId) {
        self.ended.insert(run_id);
    }

    /// Something became claimable, or due earlier than before.
    pub(super) fn work(&mut self) {
        self.work = true;
    }

    /// Whether there is nothing to tell.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only PostgreSQL tells other processes"))]
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && !self.work
    }

    /// Tells everybody.
    pub(super) fn post(&self, hints: &Hints) {
        for run_id in &self.runs {
            hints.run_has_changed(*run_id);
        }
        for run_id in &self.ended {
            hints.run_has_ended(*run_id);
        }
        if self.work {
            hints.work_is_ready();
        }
    }
}
