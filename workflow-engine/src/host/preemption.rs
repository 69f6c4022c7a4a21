//! Where a run that goes on in its slot gives way to one that is more urgent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::ports::HighestPriority;

/// What a worker knows of work that has found no room.
#[derive(Debug)]
pub(super) struct Preemption {
    /// The highest priority that waits, as far as is known: what was told since the last claim began, and what that
    /// claim has left.
    highest: Arc<HighestPriority>,
    /// A slot is on its way to the next claim: one at a time, for that claim says whether more is needed.
    is_under_way: AtomicBool,
}

impl Preemption {
    pub(super) fn new(highest: Arc<HighestPriority>) -> Self {
        Self { highest, is_under_way: AtomicBool::new(false) }
    }

    /// Whether the slot of a run of this priority is to be left to another one.
    pub(super) fn preempts(&self, priority: i32) -> bool {
        self.highest.is_above(priority) && !self.is_under_way.swap(true, Ordering::Relaxed)
    }

    /// Whether a new run of this priority has to queue: what it would take may be on its way to another one.
    pub(super) fn must_queue(&self, priority: i32) -> bool {
        self.highest.is_above(priority)
    }

    /// A claim sees all that is known by now.
    pub(super) fn claim_started(&self) {
        self.highest.reset();
        self.is_under_way.store(false, Ordering::Relaxed);
    }

    /// It has left this.
    pub(super) fn record_remaining(&self, priority: Option<i32>) {
        if let Some(priority) = priority {
            self.highest.observe(priority);
        }
    }
}
