//! Room for bodies: a permit each.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::giving_way::GivingWay;
use crate::kernel::Slots;

/// The room of a worker.
pub(super) struct Room {
    pub(super) free: Arc<Semaphore>,
    pub(super) giving_way: GivingWay,
    /// No more claims.
    pub(super) stopping: CancellationToken,
}

impl Room {
    /// Room for one more job, if there is any and the worker is not stopping.
    pub(super) fn try_reserve(&self) -> Option<OwnedSemaphorePermit> {
        if self.stopping.is_cancelled() {
            return None;
        }
        Arc::clone(&self.free).try_acquire_owned().ok()
    }
}

/// The room that a completing job finds for its successors: its own, and what else is free; none where something more
/// urgent is known to wait.
///
/// The permits taken here belong to the jobs that the commit claims; what it did not need returns on drop.
pub(super) struct SuccessorSlots {
    room: Arc<Room>,
    taken: Mutex<Vec<OwnedSemaphorePermit>>,
}

impl SuccessorSlots {
    pub(super) fn new(own: OwnedSemaphorePermit, room: Arc<Room>) -> Self {
        Self { room, taken: Mutex::new(vec![own]) }
    }

    /// The permits, one for each job that the commit claimed, its own first.
    pub(super) fn into_permits(self) -> Vec<OwnedSemaphorePermit> {
        self.taken.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots for SuccessorSlots {
    fn take(&self, wanted: usize, priority: i32) -> usize {
        let room = &self.room;
        // Where something is free, there is room for both.
        let is_full = || room.free.available_permits() == 0;
        let gives_way = || room.stopping.is_cancelled() || is_full() && room.giving_way.gives_way(priority);
        let wanted = if wanted == 0 || gives_way() { 0 } else { wanted };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // While an outcome is on its way to the disk no body runs: whoever waits for room has it at once.
        taken.truncate(wanted);
        while taken.len() < wanted {
            match room.try_reserve() {
                Some(permit) => taken.push(permit),
                None => break,
            }
        }
        taken.len()
    }
}
