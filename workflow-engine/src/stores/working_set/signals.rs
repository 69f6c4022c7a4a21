//! The queues of signals in a working set.

use chrono::{DateTime, Utc};

use crate::value::{RunId, StageKey};

/// The queue of one stage. Signals are consumed in the order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::stores) struct SignalQueue {
    /// The number of the newest signal; 0 without any.
    pub(in crate::stores) last: u64,
    /// The number of the newest consumed signal.
    pub(in crate::stores) consumed: u64,
    /// Who sent the oldest signal that is not consumed, as far as it is known.
    pub(in crate::stores) first_actor: Option<String>,
}

impl SignalQueue {
    /// Returns the number of signals that are not consumed.
    pub(in crate::stores) const fn waiting(&self) -> u64 {
        self.last.saturating_sub(self.consumed)
    }
}

/// A signal that a wait has consumed.
#[derive(Clone, Debug)]
pub(in crate::stores) struct ConsumedSignal {
    pub(in crate::stores) run_id: RunId,
    pub(in crate::stores) stage_key: StageKey,
    pub(in crate::stores) number: u64,
    pub(in crate::stores) generation: u32,
    pub(in crate::stores) at: DateTime<Utc>,
}
