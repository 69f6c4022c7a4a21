//! What a body says while it runs: log lines and progress, committed live, under its lease.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::context::{StageReporter, StageScope};
use crate::ports::Change;
use crate::records::LogLevel;
use crate::value::Json;
use crate::value::limits::truncate;

/// StageReporter of one attempt that wait for a commit. More than this at once are dropped, with a warning: a body that
/// logs in a tight loop must not fill the memory.
pub(super) const CAPACITY: usize = 10_000;

/// The reports of one attempt.
#[derive(Debug, Default)]
pub(super) struct AttemptReports {
    stage_id: String,
    pending: Mutex<Pending>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Pending {
    changes: Vec<Change>,
    dropped: usize,
}

impl AttemptReports {
    pub(super) fn new(scope: &StageScope) -> Self {
        Self { stage_id: scope.stage_id.clone(), ..Self::default() }
    }

    /// Waits until there is something to commit.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// What has been said since the last time, in order.
    pub(super) fn take(&self) -> Vec<Change> {
        let mut pending = self.lock();
        if pending.dropped > 0 {
            tracing::warn!(
                stage = self.stage_id,
                dropped = pending.dropped,
                "a stage reports faster than the store commits"
            );
            pending.dropped = 0;
        }
        mem::take(&mut pending.changes)
    }

    fn push(&self, change: Change) {
        let mut pending = self.lock();
        if pending.changes.len() >= CAPACITY {
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

impl StageReporter for AttemptReports {
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
