//! What a transaction has to tell once it is committed.

use std::collections::HashSet;

use crate::ports::Hints;
use crate::value::RunId;

/// The hints of one transaction, collected while it runs and given after its commit: given earlier, whoever hears
/// them would look at the state before.
#[derive(Debug, Default)]
pub(super) struct Announcement {
    runs: HashSet<RunId>,
    /// Those of them that are known to go on.
    open: HashSet<RunId>,
    /// The highest priority of it.
    work: Option<i32>,
}

impl Announcement {
    /// Something of this run has changed; it may be over.
    pub(super) fn run(&mut self, run_id: RunId) {
        self.runs.insert(run_id);
        self.open.remove(&run_id);
    }

    /// Something of this run has changed, and it goes on after it.
    pub(super) fn open_run(&mut self, run_id: RunId) {
        if self.runs.insert(run_id) {
            self.open.insert(run_id);
        }
    }

    /// Something of this priority became claimable, or due earlier than before.
    pub(super) fn work(&mut self, priority: i32) {
        self.work = self.work.max(Some(priority));
    }

    /// The highest priority of what became claimable.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only PostgreSQL tells other processes"))]
    pub(super) fn urgency(&self) -> Option<i32> {
        self.work
    }

    /// Whether there is nothing to tell.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "only PostgreSQL tells other processes"))]
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.work.is_none()
    }

    /// Tells everybody.
    pub(super) fn post(&self, hints: &Hints) {
        for run_id in &self.runs {
            if self.open.contains(run_id) {
                hints.run_progressed(*run_id);
            } else {
                hints.run_has_changed(*run_id);
            }
        }
        if let Some(priority) = self.work {
            hints.work_is_ready(priority);
        }
    }
}
