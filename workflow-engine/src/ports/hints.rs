//! Hints: what has changed, told to whoever waits in this process.
//!
//! A hint says "look again" and nothing more. It may be late, doubled or missing; what is true is in the store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::watch;

use crate::value::RunId;

/// The hints of one store in this process.
#[derive(Debug)]
pub struct Hints {
    work: watch::Sender<u64>,
    foreign: watch::Sender<u64>,
    changes: watch::Sender<u64>,
    runs: Mutex<HashMap<RunId, watch::Sender<Told>>>,
    urgencies: Mutex<Vec<Weak<HighestPriority>>>,
}

/// What was told of one run.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    changes: u64,
    /// Those of them after which the run may be over.
    ends: u64,
}

impl Hints {
    /// Nothing has happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            work: watch::Sender::new(0),
            foreign: watch::Sender::new(0),
            changes: watch::Sender::new(0),
            runs: Mutex::default(),
            urgencies: Mutex::default(),
        }
    }

    /// A job or a run of this priority may be claimable now, or something has become due earlier than before.
    pub fn work_ready(&self, priority: i32) {
        let mut urgencies = self.urgencies.lock().unwrap_or_else(PoisonError::into_inner);
        urgencies.retain(|urgency| urgency.upgrade().inspect(|urgency| urgency.observe(priority)).is_some());
        drop(urgencies);
        self.any_work_ready();
    }

    fn any_work_ready(&self) {
        self.work.send_modify(|count| *count += 1);
    }

    /// Something of this run has changed; it may be over.
    pub fn run_changed(&self, run_id: RunId) {
        self.tell(run_id, 1);
    }

    /// Something of this run has changed, and it is not over: who waits for its end need not look.
    pub fn run_progressed(&self, run_id: RunId) {
        self.tell(run_id, 0);
    }

    fn tell(&self, run_id: RunId, ends: u64) {
        self.changes.send_modify(|count| *count += 1);
        if let Some(watchers) = self.lock().get(&run_id) {
            watchers.send_modify(|told| {
                told.changes += 1;
                told.ends += ends;
            });
        }
    }

    /// Another process has written something, nobody here knows what.
    pub fn everything_changed(&self) {
        self.all_runs_changed();
        self.any_work_ready();
    }

    /// The same, where it is known that nothing became claimable, or due earlier than before.
    pub fn all_runs_changed(&self) {
        self.foreign.send_modify(|count| *count += 1);
        self.changes.send_modify(|count| *count += 1);
        for watchers in self.lock().values() {
            watchers.send_modify(|told| {
                told.changes += 1;
                told.ends += 1;
            });
        }
    }

    /// Sees [`Hints::work_ready`] from now on.
    #[must_use]
    pub fn watch_work(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    /// Keeps the highest priority that [`Hints::work_ready`] tells from now on.
    #[must_use]
    pub fn watch_highest_priority(&self) -> Arc<HighestPriority> {
        let urgency = Arc::new(HighestPriority::default());
        self.urgencies.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&urgency));
        urgency
    }

    /// Sees [`Hints::all_runs_changed`] from now on.
    #[must_use]
    pub fn watch_external(&self) -> watch::Receiver<u64> {
        self.foreign.subscribe()
    }

    /// Sees the changes of all runs from now on.
    #[must_use]
    pub fn watch_changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Sees the changes of one run from now on.
    #[must_use]
    pub fn watch_run(self: &Arc<Self>, run_id: RunId) -> RunWatch {
        let changes =
            self.lock().entry(run_id).or_insert_with(|| watch::Sender::new(Told::default())).subscribe();
        let ends = changes.borrow().ends;
        RunWatch { run_id, changes: Some(changes), ends, hints: Arc::clone(self) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, watch::Sender<Told>>> {
        // Nothing panics under this lock; a poisoned one would still hold a sound map.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Hints {
    fn default() -> Self {
        Self::new()
    }
}

/// The highest priority of what was told to be ready, since it was forgotten.
#[derive(Debug)]
pub struct HighestPriority {
    highest: AtomicI64,
}

impl HighestPriority {
    const NONE: i64 = i64::MIN;

    /// Something of this priority waits.
    pub fn observe(&self, priority: i32) {
        self.highest.fetch_max(priority.into(), Ordering::Relaxed);
    }

    /// Whether something of a higher priority than this was told.
    #[must_use]
    pub fn is_above(&self, priority: i32) -> bool {
        self.highest.load(Ordering::Relaxed) > priority.into()
    }

    /// Forgets what was told: it is about to be looked at. Answers it.
    pub fn reset(&self) -> Option<i32> {
        i32::try_from(self.highest.swap(Self::NONE, Ordering::Relaxed)).ok()
    }
}

impl Default for HighestPriority {
    /// Nothing was told.
    fn default() -> Self {
        Self { highest: AtomicI64::new(Self::NONE) }
    }
}

/// Sees the changes of one run. Look at the run after making it, then wait, look, wait, …: no change is missed.
#[derive(Debug)]
pub struct RunWatch {
    run_id: RunId,
    changes: Option<watch::Receiver<Told>>,
    /// How many of them it has seen after which the run may be over.
    ends: u64,
    hints: Arc<Hints>,
}

impl RunWatch {
    /// Waits until something of the run has changed since the last time.
    pub async fn changed(&mut self) {
        if let Some(changes) = &mut self.changes {
            // The sender lives in the map for as long as this watch does, so this cannot fail.
            let _ = changes.changed().await;
        }
    }

    /// Waits until the run may be over: until a change since the last time of which nobody has said that the run goes
    /// on.
    pub async fn may_be_over(&mut self) {
        if let Some(changes) = &mut self.changes {
            let seen = self.ends;
            // As above.
            if let Ok(told) = changes.wait_for(|told| told.ends > seen).await {
                self.ends = told.ends;
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
