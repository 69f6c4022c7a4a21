//! Hints: what has changed, told to whoever waits in this process.
//!
//! A hint says "look again" and nothing more. It may be late, doubled or missing; what is true is in the store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use crate::id::RunId;

/// The hints of one store in this process.
#[derive(Debug)]
pub struct Hints {
    work: watch::Sender<u64>,
    foreign: watch::Sender<u64>,
    changes: watch::Sender<u64>,
    runs: Mutex<HashMap<RunId, Watched>>,
}

/// A run that somebody watches.
#[derive(Debug, Default)]
struct Watched {
    changes: watch::Sender<u64>,
    ends: watch::Sender<u64>,
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
        }
    }

    /// A job or a run may be claimable now, or something has become due earlier than before.
    pub fn work_is_ready(&self) {
        self.work.send_modify(|count| *count += 1);
    }

    /// Something of this run has changed.
    pub fn run_has_changed(&self, run_id: RunId) {
        self.changes.send_modify(|count| *count += 1);
        if let Some(watched) = self.lock().get(&run_id) {
            watched.changes.send_modify(|count| *count += 1);
        }
    }

    /// This run, of which something has changed, is over.
    pub fn run_has_ended(&self, run_id: RunId) {
        if let Some(watched) = self.lock().get(&run_id) {
            watched.ends.send_modify(|count| *count += 1);
        }
    }

    /// Another process has written something, nobody here knows what.
    pub fn anything_may_have_changed(&self) {
        self.foreign.send_modify(|count| *count += 1);
        self.changes.send_modify(|count| *count += 1);
        self.work_is_ready();
        for watched in self.lock().values() {
            watched.changes.send_modify(|count| *count += 1);
            watched.ends.send_modify(|count| *count += 1);
        }
    }

    /// Sees [`Hints::work_is_ready`] from now on.
    #[must_use]
    pub fn watch_work(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    /// Sees [`Hints::anything_may_have_changed`] from now on.
    #[must_use]
    pub fn watch_foreign(&self) -> watch::Receiver<u64> {
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
        let mut runs = self.lock();
        let watched = runs.entry(run_id).or_default();
        let watches = (watched.changes.subscribe(), watched.ends.subscribe());
        drop(runs);
        RunWatch { run_id, watches: Some(watches), hints: Arc::clone(self) }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RunId, Watched>> {
        // Nothing panics under this lock; a poisoned one would still hold a sound map.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Hints {
    fn default() -> Self {
        Self::new()
    }
}

/// Sees the changes of one run. Look at the run after making it, then wait, look, wait, …: no change is missed.
#[derive(Debug)]
pub struct RunWatch {
    run_id: RunId,
    /// Of its changes, and of its end.
    watches: Option<(watch::Receiver<u64>, watch::Receiver<u64>)>,
    hints: Arc<Hints>,
}

impl RunWatch {
    /// Waits until something of the run has changed since the last time.
    pub async fn changed(&mut self) {
        if let Some((changes, _)) = &mut self.watches {
            // The sender lives in the map for as long as this watch does, so this cannot fail.
            let _ = changes.changed().await;
        }
    }

    /// Waits until the run may have ended since the last time: its other changes are nothing to whoever waits for its
    /// output.
    pub async fn ended(&mut self) {
        if let Some((_, ends)) = &mut self.watches {
            // As above.
            let _ = ends.changed().await;
        }
    }
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        self.watches = None;
        let mut runs = self.hints.lock();
        if runs.get(&self.run_id).is_some_and(|watched| watched.changes.receiver_count() == 0) {
            runs.remove(&self.run_id);
        }
    }
}
