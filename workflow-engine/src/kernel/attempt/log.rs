//! Log lines and progress of a body, committed under its lease while it runs.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::context::{StageReporter, StageScope};
use crate::ports::Change;
use crate::records::LogLevel;
use crate::value::Json;
use crate::value::limits::truncate;

/// How many reports of one attempt may wait for a commit. Further ones are dropped, with a warning, so that a body that
/// logs in a tight loop does not fill the memory.
pub(in crate::kernel) const MAX_PENDING: usize = 10_000;

/// The log lines and progress of one attempt.
#[derive(Debug, Default)]
pub(super) struct AttemptLog {
    stage_id: String,
    pending: Mutex<Pending>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    changes: Vec<Change>,
    dropped: usize,
}

impl AttemptLog {
    pub(super) fn new(scope: &StageScope) -> Self {
        Self { stage_id: scope.stage_id.clone(), ..Self::default() }
    }

    /// Waits until there is a report to commit.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Takes the reports since the last call, in order.
    pub(super) fn take(&self) -> Vec<Change> {
        let mut pending = self.lock();
        if pending.dropped > 0 {
            tracing::warn!(
                stage = self.stage_id,
                dropped = pending.dropped,
                "log lines or progress were dropped: the stage reports faster than the store commits"
            );
            pending.dropped = 0;
        }
        mem::take(&mut pending.changes)
    }

    /// Puts reports that could not be committed back, before those that have arrived meanwhile.
    pub(super) fn restore(&self, mut reports: Vec<Change>) {
        if reports.is_empty() {
            return;
        }
        let mut pending = self.lock();
        reports.append(&mut pending.changes);
        pending.changes = reports;
    }

    fn push(&self, change: Change) {
        let mut pending = self.lock();
        if pending.changes.len() >= MAX_PENDING {
            pending.dropped += 1;
        } else {
            pending.changes.push(change);
        }
        drop(pending);
        self.arrived.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StageReporter for AttemptLog {
    fn log(&self, level: LogLevel, message: &str, fields: Json) {
        let message = truncate::message(message);
        let fields = truncate::fields(fields);
        self.push(Change::Log { stage_id: self.stage_id.clone(), level, message, fields });
    }

    fn progress(&self, fraction: f64, message: &str) {
        let message = truncate::message(message);
        self.push(Change::Progress { stage_id: self.stage_id.clone(), fraction, message });
    }
}
