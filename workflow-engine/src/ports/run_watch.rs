//! The watches of runs, and the runs that have ended lately.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::recent_ends::{EndMark, RecentEnds};
use crate::records::RunRecord;
use crate::value::{IdMap, RunId};

/// The watches of one store in this process.
#[derive(Debug, Default)]
pub(super) struct RunWatches(Mutex<Runs>);

#[derive(Debug, Default)]
struct Runs {
    /// The senders for runs that are watched.
    watched: IdMap<RunId, RunSenders>,
    ends: RecentEnds,
}

/// The senders of the hints about one run. A task that waits for the end is not woken by other changes.
#[derive(Debug)]
struct RunSenders {
    changes: watch::Sender<u64>,
    ends: watch::Sender<End>,
}

/// The last hint that the run may be terminal.
#[derive(Clone, Debug, Default)]
struct End {
    number: u64,
    record: Option<Arc<RunRecord>>,
}

impl RunWatches {
    /// Watches a run.
    pub(super) fn watch(self: &Arc<Self>, run_id: RunId) -> RunWatch {
        let mut runs = self.lock();
        let senders = runs.watched.entry(run_id).or_insert_with(RunSenders::new);
        let receivers = Receivers { changes: senders.changes.subscribe(), ends: senders.ends.subscribe() };
        RunWatch { run_id, receivers: Some(receivers), watches: Arc::clone(self) }
    }

    /// Returns whether a run is watched.
    pub(super) fn has(&self, run_id: RunId) -> bool {
        self.lock().watched.contains_key(&run_id)
    }

    /// Notifies that a run has changed and is not terminal.
    pub(super) fn progressed(&self, run_id: RunId) {
        if let Some(senders) = self.lock().watched.get(&run_id) {
            senders.changed();
        }
    }

    /// Notifies that a run has changed and may be terminal; with its record if this process has ended it.
    pub(super) fn ended(&self, run_id: RunId, record: Option<Arc<RunRecord>>) {
        let mut runs = self.lock();
        runs.ends.push(run_id);
        if let Some(senders) = runs.watched.get(&run_id) {
            senders.ended(record);
        }
    }

    /// Notifies that any run may have changed and may be terminal.
    pub(super) fn all_ended(&self) {
        let mut runs = self.lock();
        runs.ends.forget();
        runs.watched.values().for_each(|senders| senders.ended(None));
    }

    /// Returns the mark of now.
    pub(super) fn mark_ends(&self) -> EndMark {
        self.lock().ends.mark()
    }

    /// Returns whether a run that was open at the mark is known to be open still.
    pub(super) fn is_open_since(&self, run_id: RunId, mark: EndMark) -> bool {
        self.lock().ends.is_open_since(run_id, mark)
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        // Nothing panics under this lock; a poisoned one would still hold a sound map.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RunSenders {
    fn new() -> Self {
        Self { changes: watch::Sender::new(0), ends: watch::Sender::new(End::default()) }
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn ended(&self, record: Option<Arc<RunRecord>>) {
        self.ends.send_modify(|end| *end = End { number: end.number + 1, record });
        self.changed();
    }
}

/// A receiver of the changes of one run. Create it, read the run, then wait and read in turns: so no change is missed.
#[derive(Debug)]
pub struct RunWatch {
    run_id: RunId,
    receivers: Option<Receivers>,
    watches: Arc<RunWatches>,
}

#[derive(Debug)]
struct Receivers {
    changes: watch::Receiver<u64>,
    ends: watch::Receiver<End>,
}

impl RunWatch {
    /// Waits until the run has changed since the last call.
    pub async fn changed(&mut self) {
        if let Some(Receivers { changes, .. }) = &mut self.receivers {
            // The sender lives in the map for as long as this watch does, so this cannot fail.
            let _ = changes.changed().await;
        }
    }

    /// Waits until the run may be terminal: until it has changed since the last call,
    /// [`Hints::run_progressed`](super::Hints::run_progressed) not counted. Returns the run's record at its end where this
    /// process has committed the end; otherwise read it.
    pub async fn may_be_over(&mut self) -> Option<Arc<RunRecord>> {
        let Receivers { ends, .. } = self.receivers.as_mut()?;
        // As above.
        let _ = ends.changed().await;
        ends.borrow_and_update().record.clone()
    }
}

impl Drop for RunWatch {
    fn drop(&mut self) {
        self.receivers = None;
        let mut runs = self.watches.lock();
        if runs.watched.get(&self.run_id).is_some_and(|senders| senders.changes.receiver_count() == 0) {
            runs.watched.remove(&self.run_id);
        }
    }
}
