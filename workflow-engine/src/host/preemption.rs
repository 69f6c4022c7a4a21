//! Decides when a run that would continue in its slot leaves the slot to a run of higher priority.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ports::HighestPriority;

/// The work for which a worker had no slot.
#[derive(Debug)]
pub(super) struct Preemption {
    /// The highest priority that waits, as far as this process knows: the hints since the last claim began, and the
    /// work that this claim left.
    highest: Arc<HighestPriority>,
    /// Whether a slot is being freed for the next claim. One at a time: that claim finds out whether more are needed.
    is_pending: AtomicBool,
}

impl Preemption {
    pub(super) fn new(highest: Arc<HighestPriority>) -> Self {
        Self { highest, is_pending: AtomicBool::new(false) }
    }

    /// Returns whether a run of this priority leaves its slot to another run.
    pub(super) fn preempts(&self, priority: i32) -> bool {
        self.highest.is_above(priority) && !self.is_pending.swap(true, Ordering::Relaxed)
    }

    /// Returns whether a slot is being freed for the next claim.
    pub(super) fn is_pending(&self) -> bool {
        self.is_pending.load(Ordering::Relaxed)
    }

    /// Returns whether a new run of this priority has to queue, because work of a higher priority needs the slots.
    pub(super) fn must_queue(&self, priority: i32) -> bool {
        self.highest.is_above(priority)
    }

    /// Resets the priority: the claim that begins sees all work that was announced before.
    pub(super) fn claim_started(&self) {
        self.highest.reset();
        self.is_pending.store(false, Ordering::Relaxed);
    }

    /// Records the highest priority of the work that a claim left.
    pub(super) fn record_remaining(&self, priority: Option<i32>) {
        if let Some(priority) = priority {
            self.highest.observe(priority);
        }
    }
}
