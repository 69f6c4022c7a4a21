//! Log lines and progress of a body, committed under its lease while it runs.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::context::{StageReporter, StageScope};
use crate::ports::Change;
use crate::records::LogLevel;
use crate::value::limits::truncate;
use crate::value::{Json, RunId, StageKey};

/// How many reports of one attempt may wait for a commit. Beyond them, those in the middle are dropped, with a line that
/// says how many, so that a body that logs in a tight loop does not fill the memory. The first lines show how it began,
/// the last ones how it ended.
pub(in crate::kernel) const MAX_PENDING: usize = 10_000;

/// The log lines and progress of one attempt.
#[derive(Debug)]
pub(super) struct AttemptLog {
    run_id: RunId,
    stage_key: StageKey,
    pending: Mutex<Pending>,
    arrived: Notify,
}

/// The reports that wait for a commit: the oldest, and the newest where others between them were dropped.
#[derive(Debug, Default)]
struct Pending {
    oldest: Vec<Change>,
    newest: VecDeque<Change>,
    dropped_lines: usize,
    dropped_progress: usize,
    is_closed: bool,
    is_warned: bool,
}

impl Pending {
    fn push(&mut self, change: Change) {
        if self.oldest.len() < MAX_PENDING / 2 {
            self.oldest.push(change);
            return;
        }
        if self.newest.len() >= MAX_PENDING / 2 {
            match self.newest.pop_front() {
                Some(Change::Log { .. }) => self.dropped_lines += 1,
                _ => self.dropped_progress += 1,
            }
        }
        self.newest.push_back(change);
    }
}

impl AttemptLog {
    pub(super) fn new(scope: &StageScope) -> Self {
        Self {
            run_id: scope.run_id,
            stage_key: scope.stage_key.clone(),
            pending: Mutex::default(),
            arrived: Notify::new(),
        }
    }

    /// Waits until there is a report to commit.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Takes the reports since the last call, in order.
    pub(super) fn take(&self) -> Vec<Change> {
        self.taken(&mut self.lock())
    }

    /// Takes the last reports when the work has ended. What a task that it left behind reports afterwards is refused.
    pub(super) fn close(&self) -> Vec<Change> {
        let mut pending = self.lock();
        pending.is_closed = true;
        self.taken(&mut pending)
    }

    fn taken(&self, pending: &mut Pending) -> Vec<Change> {
        let (lines, progress) =
            (mem::take(&mut pending.dropped_lines), mem::take(&mut pending.dropped_progress));
        let mut changes = mem::take(&mut pending.oldest);
        if lines + progress > 0 {
            tracing::warn!(
                run = %self.run_id,
                stage = %self.stage_key,
                lines,
                progress,
                "log lines or progress were dropped: the stage reports faster than the store commits"
            );
        }
        if lines > 0 {
            let message = format!(
                "{lines} log lines were dropped here: the stage logs faster than the store commits, and at most \
                 {MAX_PENDING} lines wait for a commit"
            );
            let (stage_key, fields) = (Some(self.stage_key.clone()), Json::null());
            changes.push(Change::Log { stage_key, level: LogLevel::Warn, message, fields });
        }
        changes.extend(mem::take(&mut pending.newest));
        changes
    }

    /// Puts reports that could not be committed back, before those that have arrived meanwhile.
    pub(super) fn restore(&self, mut reports: Vec<Change>) {
        if reports.is_empty() {
            return;
        }
        let mut pending = self.lock();
        let dropped = mem::take(&mut pending.dropped_lines);
        reports.append(&mut pending.oldest);
        reports.extend(mem::take(&mut pending.newest));
        for change in reports {
            pending.push(change);
        }
        pending.dropped_lines += dropped;
    }

    fn push(&self, change: Change) {
        let mut pending = self.lock();
        if pending.is_closed {
            // Once: the task may report in a loop.
            if !mem::replace(&mut pending.is_warned, true) {
                tracing::warn!(
                    run = %self.run_id,
                    stage = %self.stage_key,
                    "a log line or progress is not stored, because its attempt has ended: await the task that reports it \
                     before the function returns"
                );
            }
            return;
        }
        pending.push(change);
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
        self.push(Change::Log { stage_key: Some(self.stage_key.clone()), level, message, fields });
    }

    fn log_run(&self, level: LogLevel, message: &str, fields: Json) {
        let message = truncate::message(message);
        let fields = truncate::fields(fields);
        self.push(Change::Log { stage_key: None, level, message, fields });
    }

    fn progress(&self, fraction: f64, message: &str) {
        let message = truncate::message(message);
        self.push(Change::Progress { stage_key: self.stage_key.clone(), fraction, message });
    }
}
