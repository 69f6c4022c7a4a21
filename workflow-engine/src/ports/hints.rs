//! Hints: notifications within this process that the store has changed.
//!
//! A hint means "check again" and never says what has happened. It may be late, doubled or lost, at no cost but latency:
//! the store holds the truth. Two hints save needless checks. [`Hints::run_progressed`] does not wake tasks that wait for
//! the run to end, and [`Hints::work_ready`] carries a priority, so that a busy worker can tell whether the new work is
//! more urgent than its own.
//!
//! A store sends a hint after each commit. It also sends one when it does not know whether it has committed: the
//! transaction may have begun leases that no worker has received.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

use super::outages::Outages;
use crate::value::{IdMap, RunId};

/// The hints of one store in this process.
#[derive(Debug)]
pub struct Hints {
    work: watch::Sender<u64>,
    external: watch::Sender<u64>,
    timers: watch::Sender<u64>,
    changes: watch::Sender<u64>,
    runs: Mutex<IdMap<RunId, watch::Sender<RunHints>>>,
    priorities: Mutex<Vec<Weak<HighestPriority>>>,
    outages: Outages,
}

/// The number of hints about one run.
#[derive(Clone, Copy, Debug, Default)]
struct RunHints {
    changes: u64,
    /// The changes among them after which the run may be terminal.
    ends: u64,
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
            runs: Mutex::default(),
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
        self.notify_run(run_id, 1);
    }

    /// Notifies that the run has changed and is not terminal. Tasks that wait for its end need not check it.
    pub fn run_progressed(&self, run_id: RunId) {
        self.notify_run(run_id, 0);
    }

    fn notify_run(&self, run_id: RunId, ends: u64) {
        self.changes.send_modify(|count| *count += 1);
        if let Some(watchers) = self.lock().get(&run_id) {
            watchers.send_modify(|hints| {
                hints.changes += 1;
                hints.ends += ends;
            });
        }
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
        for watchers in self.lock().values() {
            watchers.send_modify(|hints| {
                hints.changes += 1;
                hints.ends += 1;
            });
        }
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
    pub fn watch_run(self: &Arc<Self>, run_id: RunId) -> RunWatch {
        let changes =
            self.lock().entry(run_id).or_insert_with(|| watch::Sender::new(RunHints::default())).subscribe();
        let ends = changes.borrow().ends;
        RunWatch { run_id, changes: Some(changes), ends, hints: Arc::clone(self) }
    }

    /// Returns the log of the store's outages, which all tasks that use the store share.
    #[must_use]
    pub fn outages(&self) -> &Outages {
        &self.outages
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, IdMap<RunId, watch::Sender<RunHints>>> {
        // Nothing panics under this lock; a poisoned one would still hold a sound map.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
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

/// A receiver of the changes of one run. Create it, read the run, then wait and read in turns: so no change is missed.
#[derive(Debug)]
pub struct RunWatch {
    run_id: RunId,
    changes: Option<watch::Receiver<RunHints>>,
    /// The number of changes it has seen after which the run may be terminal.
    ends: u64,
    hints: Arc<Hints>,
}

impl RunWatch {
    /// Waits until the run has changed since the last call.
    pub async fn changed(&mut self) {
        if let Some(changes) = &mut self.changes {
            // The sender lives in the map for as long as this watch does, so this cannot fail.
            let _ = changes.changed().await;
        }
    }

    /// Waits until the run may be terminal: until it has changed since the last call, [`Hints::run_progressed`] not
    /// counted.
    pub async fn may_be_over(&mut self) {
        if let Some(changes) = &mut self.changes {
            let seen = self.ends;
            // As above.
            if let Ok(hints) = changes.wait_for(|hints| hints.ends > seen).await {
                self.ends = hints.ends;
            }
        }
    }
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        self.changes = None;
        let mut runs = self.hints.lock();
        if runs.get(&self.run_id).is_some_and(|watchers| watchers.receiver_count() == 0) {
            runs.remove(&self.run_id);
        }
    }
}
