//! The watch of one run.

use std::sync::Arc;

use tokio::sync::watch;

use super::hints::Hints;
use crate::records::RunRecord;
use crate::value::RunId;

/// The senders of the hints about one run. A task that waits for the end is not woken by other changes.
#[derive(Debug)]
pub(super) struct RunSenders {
    changes: watch::Sender<u64>,
    ends: watch::Sender<End>,
}

/// The last hint that the run may be terminal.
#[derive(Clone, Debug, Default)]
struct End {
    number: u64,
    record: Option<Arc<RunRecord>>,
}

impl RunSenders {
    pub(super) fn new() -> Self {
        Self { changes: watch::Sender::new(0), ends: watch::Sender::new(End::default()) }
    }

    /// Notifies that the run has changed.
    pub(super) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Notifies that the run has changed and may be terminal; with its record if this process has ended it.
    pub(super) fn ended(&self, record: Option<Arc<RunRecord>>) {
        self.ends.send_modify(|end| *end = End { number: end.number + 1, record });
        self.changed();
    }

    /// Returns whether no task watches the run.
    pub(super) fn are_unused(&self) -> bool {
        self.changes.receiver_count() == 0
    }
}

/// A receiver of the changes of one run. Create it, read the run, then wait and read in turns: so no change is missed.
#[derive(Debug)]
pub struct RunWatch {
    run_id: RunId,
    receivers: Option<Receivers>,
    hints: Arc<Hints>,
}

#[derive(Debug)]
struct Receivers {
    changes: watch::Receiver<u64>,
    ends: watch::Receiver<End>,
}

impl RunWatch {
    pub(super) fn new(run_id: RunId, senders: &RunSenders, hints: Arc<Hints>) -> Self {
        let receivers = Receivers { changes: senders.changes.subscribe(), ends: senders.ends.subscribe() };
        Self { run_id, receivers: Some(receivers), hints }
    }

    /// Waits until the run has changed since the last call.
    pub async fn changed(&mut self) {
        if let Some(Receivers { changes, .. }) = &mut self.receivers {
            // The sender lives in the map for as long as this watch does, so this cannot fail.
            let _ = changes.changed().await;
        }
    }

    /// Waits until the run may be terminal: until it has changed since the last call, [`Hints::run_progressed`] not
    /// counted. Returns the run's record at its end where this process has committed the end; otherwise read it.
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
        self.hints.drop_unused(self.run_id);
    }
}
