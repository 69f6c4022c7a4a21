//! The signals in a draft.

use super::Draft;
use crate::records::SignalRecord;
use crate::stores::working_set::{ConsumedSignal, SignalQueue};
use crate::value::StageKey;

impl Draft<'_> {
    /// Returns the queue of a stage.
    pub(in crate::stores::apply) fn signals(&self, stage_key: &StageKey) -> SignalQueue {
        let written = self.written.signals.get(stage_key);
        let stored = || self.set.signals.get(&(self.run_id, stage_key.clone()));
        written.or_else(stored).cloned().unwrap_or_default()
    }

    /// Adds a signal.
    pub(in crate::stores::apply) fn add_signal(&mut self, queue: SignalQueue, signal: SignalRecord) {
        self.written.signals.insert(signal.stage_key(), queue);
        self.side_rows().new_signals.push(signal);
    }

    /// Consumes a signal.
    pub(in crate::stores::apply) fn consume_signal(&mut self, queue: SignalQueue, consumed: ConsumedSignal) {
        self.written.signals.insert(consumed.stage_key.clone(), queue);
        self.side_rows().consumed_signals.push(consumed);
    }
}
