//! Room for bodies: a permit each.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::kernel::Slots;

/// The room that a completing job finds for its successors: its own, and what else is free.
///
/// The permits taken here belong to the jobs that the commit claims; what it did not need returns on drop.
pub(super) struct SuccessorSlots {
    free: Arc<Semaphore>,
    stopping: CancellationToken,
    taken: Mutex<Vec<OwnedSemaphorePermit>>,
}

impl SuccessorSlots {
    pub(super) fn new(own: OwnedSemaphorePermit, free: Arc<Semaphore>, stopping: CancellationToken) -> Self {
        Self { free, stopping, taken: Mutex::new(vec![own]) }
    }

    /// The permits, one for each job that the commit claimed, its own first.
    pub(super) fn into_permits(self) -> Vec<OwnedSemaphorePermit> {
        self.taken.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots for SuccessorSlots {
    fn take(&self, wanted: usize) -> usize {
        if self.stopping.is_cancelled() {
            return 0;
        }
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.truncate(wanted);
        while taken.len() < wanted {
            match Arc::clone(&self.free).try_acquire_owned() {
                Ok(permit) => taken.push(permit),
                Err(_) => break,
            }
        }
        taken.len().min(wanted)
    }
}
