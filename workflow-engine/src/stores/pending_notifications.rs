//! The hints that a transaction sends after its commit.

use std::sync::Arc;

use crate::ports::Hints;
use crate::records::RunRecord;
use crate::value::{IdSet, RunId};

/// The hints of one transaction. They are collected while it runs and sent after its commit: a reader that received
/// one earlier would see the state before the commit.
#[derive(Debug, Default)]
pub(super) struct PendingNotifications {
    runs: IdSet<RunId>,
    /// The runs among them that are not terminal.
    open_runs: IdSet<RunId>,
    /// The records of other runs among them, for the tasks that wait for their ends.
    ended: Vec<Arc<RunRecord>>,
    /// The highest priority of the work that became claimable.
    work: Option<i32>,
    /// Whether a run or a schedule has an instant to keep.
    timer: bool,
}

impl PendingNotifications {
    /// Notes that the run has changed and may be terminal.
    pub(super) fn run_changed(&mut self, run_id: RunId) {
        self.runs.insert(run_id);
        self.open_runs.remove(&run_id);
    }

    /// Notes that the run has changed and is not terminal.
    pub(super) fn run_progressed(&mut self, run_id: RunId) {
        // A run that an earlier decision may have ended stays in `runs` alone: its watchers must check it.
        if self.runs.insert(run_id) {
            self.open_runs.insert(run_id);
        }
    }

    /// Keeps the records of runs that have ended and are watched. Call it when nothing of the transaction changes any more.
    pub(super) fn keep_ended<'a>(
        &mut self,
        hints: &Hints,
        record_of: impl Fn(RunId) -> Option<&'a RunRecord>,
    ) {
        let ended = self.runs.difference(&self.open_runs).filter(|run_id| hints.is_watched(**run_id));
        let records = ended.filter_map(|run_id| record_of(*run_id)).filter(|run| run.status.is_terminal());
        self.ended = records.map(|run| Arc::new(run.clone())).collect();
        for run in &self.ended {
            self.runs.remove(&run.id);
        }
    }

    /// Notes that work of this priority became claimable, or due earlier than before.
    pub(super) fn work_ready(&mut self, priority: i32) {
        self.work = self.work.max(Some(priority));
    }

    /// Notes that a run or a schedule has an instant to keep.
    pub(super) fn timer_set(&mut self) {
        self.timer = true;
    }

    /// Returns the highest priority of the work that became claimable.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "only PostgreSQL notifies other processes")
    )]
    pub(super) fn highest_priority(&self) -> Option<i32> {
        self.work
    }

    /// Returns whether there is no hint to send.
    #[cfg_attr(
        not(feature = "postgres"),
        allow(dead_code, reason = "only PostgreSQL notifies other processes")
    )]
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.ended.is_empty() && self.work.is_none() && !self.timer
    }

    /// Sends the hints.
    pub(super) fn send(&self, hints: &Hints) {
        for run in &self.ended {
            hints.run_ended(Arc::clone(run));
        }
        for run_id in &self.runs {
            if self.open_runs.contains(run_id) {
                hints.run_progressed(*run_id);
            } else {
                hints.run_changed(*run_id);
            }
        }
        if let Some(priority) = self.work {
            hints.work_ready(priority);
        }
        if self.timer {
            hints.timer_set();
        }
    }
}
