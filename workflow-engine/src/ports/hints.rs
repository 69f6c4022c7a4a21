//! Hints: notifications within this process that the store has changed.
//!
//! A hint means "check again". It may be late, doubled or lost, at no cost but latency: the store holds the truth. Three
//! hints save needless checks. [`Hints::run_progressed`] does not wake tasks that wait for the run to end;
//! [`Hints::run_ended`] gives them the record that was committed; and [`Hints::work_ready`] carries a priority, so that a
//! busy worker can tell whether the new work is more urgent than its own.
//!
//! A store sends a hint after each commit. It also sends one when it does not know whether it has committed: the
//! transaction may have begun leases that no worker has received.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

use super::outages::Outages;
use super::recent_ends::EndMark;
use super::run_watch::{RunWatch, RunWatches};
use crate::records::RunRecord;
use crate::value::RunId;

/// The hints of one store in this process.
#[derive(Debug)]
pub struct Hints {
    work: watch::Sender<u64>,
    external: watch::Sender<u64>,
    timers: watch::Sender<u64>,
    changes: watch::Sender<u64>,
    runs: Arc<RunWatches>,
    priorities: Mutex<Vec<Weak<HighestPriority>>>,
    outages: Outages,
}

impl Hints {
    /// Creates hints without any event so far.
    #[must_use]
    pub fn new() -> Self {
        Self {
            work: watch::Sender::new(0),
            external: watch::Sender::new(0),
            timers: watch::Sender::new(0),
            changes: watch::Sender::new(0),
            runs: Arc::default(),
            priorities: Mutex::default(),
            outages: Outages::default(),
        }
    }

    /// Notifies that a job or a run of this priority may be claimable now, or is due earlier than before.
    pub fn work_ready(&self, priority: i32) {
        let mut priorities = self.priorities.lock().unwrap_or_else(PoisonError::into_inner);
        priorities.retain(|highest| highest.upgrade().inspect(|highest| highest.observe(priority)).is_some());
        drop(priorities);
        self.any_work_ready();
    }

    fn any_work_ready(&self) {
        self.work.send_modify(|count| *count += 1);
    }

    /// Notifies that the run has changed and may be terminal.
    pub fn run_changed(&self, run_id: RunId) {
        self.notify_end(run_id, None);
    }

    /// Notifies that this process has ended the run, and gives its record to the tasks that wait for its end.
    pub fn run_ended(&self, record: Arc<RunRecord>) {
        self.notify_end(record.id, Some(record));
    }

    fn notify_end(&self, run_id: RunId, record: Option<Arc<RunRecord>>) {
        self.changes.send_modify(|count| *count += 1);
        self.runs.ended(run_id, record);
    }

    /// Notifies that the run has changed and is not terminal. Tasks that wait for its end are not woken.
    pub fn run_progressed(&self, run_id: RunId) {
        self.changes.send_modify(|count| *count += 1);
        self.runs.progressed(run_id);
    }

    /// Returns whether a task of this process watches the run.
    #[must_use]
    pub fn is_watched(&self, run_id: RunId) -> bool {
        self.runs.has(run_id)
    }

    /// Returns a mark for [`Hints::is_open_since`].
    pub(crate) fn mark_ends(&self) -> EndMark {
        self.runs.mark_ends()
    }

    /// Returns whether a run that was open at the mark is open as far as this process knows. A task that watches it need
    /// not read it first.
    pub(crate) fn is_open_since(&self, run_id: RunId, mark: EndMark) -> bool {
        self.runs.is_open_since(run_id, mark)
    }

    /// Notifies that another process may have written anything.
    pub fn everything_changed(&self) {
        self.all_runs_changed();
        self.any_work_ready();
    }

    /// Notifies that another process may have written to any run, but has made no work claimable or due earlier.
    pub fn all_runs_changed(&self) {
        self.external.send_modify(|count| *count += 1);
        self.changes.send_modify(|count| *count += 1);
        self.runs.all_ended();
    }

    /// Notifies that a run has a start or a deadline to keep, or that a schedule has changed.
    pub fn timer_set(&self) {
        self.timers.send_modify(|count| *count += 1);
    }

    /// Returns a receiver of [`Hints::timer_set`].
    #[must_use]
    pub fn watch_timers(&self) -> watch::Receiver<u64> {
        self.timers.subscribe()
    }

    /// Returns a receiver of [`Hints::work_ready`].
    #[must_use]
    pub fn watch_work(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    /// Returns the highest priority that [`Hints::work_ready`] reports from now on.
    #[must_use]
    pub fn watch_highest_priority(&self) -> Arc<HighestPriority> {
        let highest = Arc::new(HighestPriority::default());
        self.priorities.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&highest));
        highest
    }

    /// Returns a receiver of the commits of other processes: of [`Hints::all_runs_changed`].
    #[must_use]
    pub fn watch_external(&self) -> watch::Receiver<u64> {
        self.external.subscribe()
    }

    /// Returns a receiver of the changes of all runs.
    #[must_use]
    pub fn watch_changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Returns a receiver of the changes of one run.
    #[must_use]
    pub fn watch_run(&self, run_id: RunId) -> RunWatch {
        self.runs.watch(run_id)
    }

    /// Returns the log of the store's outages, which all tasks that use the store share.
    #[must_use]
    pub fn outages(&self) -> &Outages {
        &self.outages
    }
}

impl Default for Hints {
    fn default() -> Self {
        Self::new()
    }
}

/// The highest priority of ready work since the last reset.
#[derive(Debug)]
pub struct HighestPriority {
    highest: AtomicI64,
}

impl HighestPriority {
    const NONE: i64 = i64::MIN;

    /// Records ready work of this priority.
    pub fn observe(&self, priority: i32) {
        self.highest.fetch_max(priority.into(), Ordering::Relaxed);
    }

    /// Returns whether work of a higher priority than this was recorded.
    #[must_use]
    pub fn is_above(&self, priority: i32) -> bool {
        self.highest.load(Ordering::Relaxed) > priority.into()
    }

    /// Returns the recorded priority and clears it. Call it before claiming, so that later work counts anew.
    pub fn reset(&self) -> Option<i32> {
        i32::try_from(self.highest.swap(Self::NONE, Ordering::Relaxed)).ok()
    }
}

impl Default for HighestPriority {
    /// Creates it without recorded work.
    fn default() -> Self {
        Self { highest: AtomicI64::new(Self::NONE) }
    }
}
