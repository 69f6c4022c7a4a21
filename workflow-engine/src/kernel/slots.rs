//! Free slots of a host, for jobs that a commit of the kernel makes ready.

use std::sync::Arc;

use crate::records::{Claimant, ClaimedJob};

/// A host's slots for the successors of a completing stage.
pub(crate) trait Slots: Send + Sync {
    /// Notes that the body of the job has ended; its outcome is still to be committed.
    fn body_ended(&self) {}

    /// Takes slots for up to `wanted` jobs of a run of this priority, the slot of the completing job included, and
    /// returns their number. The completing job's body has ended, so its own slot is free at once where it is not
    /// wanted.
    fn take(&self, wanted: usize, priority: i32) -> usize;
}

/// A host without slots: successors go to the queue.
pub(crate) struct NoSlots;

impl Slots for NoSlots {
    fn take(&self, _: usize, _: i32) -> usize {
        0
    }
}

/// A host that decides whether it executes a new run itself. `run.create` asks it; without one, and where it reserves
/// nothing, the run is `PENDING` until a host claims it.
pub(crate) trait Placement: Send + Sync {
    /// Reserves slots for up to `wanted` first stages of a new run of this priority; `None` where no slot is free, or
    /// more urgent work waits for it.
    fn reserve(self: Arc<Self>, wanted: usize, priority: i32) -> Option<Reservation>;
}

/// Slots of a host for the first stages of a new run. Dropping it releases them.
pub(crate) struct Reservation {
    /// The claimant of the jobs.
    pub(crate) claimant: Claimant,
    /// The number of slots, at least 1.
    pub(crate) slots: usize,
    /// Runs the jobs that the creating commit has claimed, one in each slot, and releases the remaining slots.
    pub(crate) run: Box<dyn FnOnce(Vec<ClaimedJob>) + Send>,
}
