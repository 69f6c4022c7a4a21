//! The slots that a completing job finds for its successors.

use std::sync::{Arc, Mutex, PoisonError};

use super::bodies::RunningBody;
use super::slot_pool::{Slot, SlotPool};
use crate::kernel::Slots;

/// The job's own slot and free ones; none where [`SlotPool::withholds`] them.
///
/// The commit claims as many jobs as there are slots here. Those that it does not need are freed on drop.
pub(super) struct SuccessorSlots {
    pool: Arc<SlotPool>,
    /// Ends before its slot is freed.
    body: Mutex<Option<RunningBody>>,
    taken: Mutex<Vec<Slot>>,
}

impl SuccessorSlots {
    /// For the successors of a job in its own slot whose body runs.
    pub(super) fn new(own: Slot, body: RunningBody, pool: Arc<SlotPool>) -> Self {
        Self { pool, taken: Mutex::new(vec![own]), body: Mutex::new(Some(body)) }
    }

    /// Returns one slot for each job that the commit claimed, the job's own slot first.
    pub(super) fn into_slots(self) -> Vec<Slot> {
        self.taken.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots for SuccessorSlots {
    fn body_ended(&self) {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).take();
        if body.is_some() {
            drop(body);
            self.pool.body_ended();
        }
    }

    fn take(&self, wanted: usize, priority: i32) -> usize {
        let wanted = if wanted == 0 || self.pool.withholds(priority) { 0 } else { wanted };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // The body has ended, so another job can use the slot while the outcome is being committed.
        taken.truncate(wanted);
        while taken.len() < wanted {
            match self.pool.try_acquire() {
                Some(slot) => taken.push(slot),
                None => break,
            }
        }
        taken.len()
    }
}
