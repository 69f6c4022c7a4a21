//! The slots of a worker: one for each body that runs, some of them reserved, some of them preempted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::preemption::Preemption;
use crate::kernel::Slots;
use crate::ports::HighestPriority;

/// The slots of one worker.
pub(super) struct SlotPool {
    free: Arc<Semaphore>,
    preemption: Preemption,
    /// Slots that only the branches of runs that were just started may take.
    reserved: Mutex<Vec<OwnedSemaphorePermit>>,
}

impl SlotPool {
    /// Creates a pool of this many slots, at least one. `highest` receives the priorities of work that becomes ready.
    pub(super) fn new(slots: usize, highest: Arc<HighestPriority>) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(slots.max(1))),
            preemption: Preemption::new(highest),
            reserved: Mutex::default(),
        })
    }

    /// Gives out no more slots. Those that are taken stay with their jobs.
    pub(super) fn close(&self) {
        self.free.close();
    }

    /// Waits for a free slot, then takes up to `limit` slots. Returns `None` when the pool is closed.
    pub(super) async fn acquire_up_to(&self, limit: usize) -> Option<Vec<OwnedSemaphorePermit>> {
        let mut permits = vec![Arc::clone(&self.free).acquire_owned().await.ok()?];
        while permits.len() < limit
            && let Some(permit) = self.try_acquire()
        {
            permits.push(permit);
        }
        Some(permits)
    }

    /// Takes a slot if one is free and the pool is open.
    pub(super) fn try_acquire(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Returns the number of slots that are free.
    pub(super) fn available(&self) -> usize {
        self.free.available_permits()
    }

    /// Returns whether a new run of this priority has to queue, because work of a higher priority needs the slots.
    pub(super) fn must_queue(&self, priority: i32) -> bool {
        self.preemption.must_queue(priority)
    }

    /// Notes that a claim begins: it sees all work that was announced before.
    pub(super) fn claim_started(&self) {
        self.preemption.claim_started();
    }

    /// Records the highest priority of the work that a claim left.
    pub(super) fn record_remaining(&self, priority: Option<i32>) {
        self.preemption.record_remaining(priority);
    }

    /// Reserves slots for branches, until they take them or `until` completes. If a claim gave all slots to new runs, a
    /// stage that becomes ready beside another successor would queue, and run in another process, which has not cached
    /// the run.
    pub(super) fn reserve_for_branches(
        self: &Arc<Self>,
        permits: Vec<OwnedSemaphorePermit>,
        until: impl Future<Output = ()> + Send + 'static,
    ) {
        let number = permits.len();
        if number == 0 {
            return;
        }
        self.reserved().extend(permits);
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            until.await;
            // Slots are equal, so it need not release those that it reserved.
            let mut reserved = pool.reserved();
            let of_others = reserved.len().saturating_sub(number);
            reserved.truncate(of_others);
        });
    }

    /// Releases the reserved slots: the runtime that would have done so was shut down.
    pub(super) fn release_reserved(&self) {
        self.reserved().clear();
    }

    fn try_acquire_for_branch(&self) -> Option<OwnedSemaphorePermit> {
        self.try_acquire().or_else(|| self.reserved().pop())
    }

    /// Returns whether a run of this priority does not continue in its slot.
    fn withholds(&self, priority: i32) -> bool {
        // While a slot is free, neither run needs to wait.
        let is_full = || self.free.available_permits() == 0;
        self.free.is_closed() || is_full() && self.preemption.preempts(priority)
    }

    fn reserved(&self) -> MutexGuard<'_, Vec<OwnedSemaphorePermit>> {
        // Nothing panics under this lock.
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The slots that a completing job finds for its successors: its own, free ones, and those reserved for branches; none
/// while work of a higher priority waits.
///
/// The commit claims as many jobs as there are permits here. Permits that it does not need are released on drop.
pub(super) struct SuccessorSlots {
    pool: Arc<SlotPool>,
    taken: Mutex<Vec<OwnedSemaphorePermit>>,
}

impl SuccessorSlots {
    pub(super) fn new(own: OwnedSemaphorePermit, pool: Arc<SlotPool>) -> Self {
        Self { pool, taken: Mutex::new(vec![own]) }
    }

    /// Returns one permit for each job that the commit claimed, the job's own permit first.
    pub(super) fn into_permits(self) -> Vec<OwnedSemaphorePermit> {
        self.taken.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots for SuccessorSlots {
    fn take(&self, wanted: usize, priority: i32) -> usize {
        let wanted = if wanted == 0 || self.pool.withholds(priority) { 0 } else { wanted };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // The body has ended, so another job can use the slot while the outcome is being committed.
        taken.truncate(wanted);
        while taken.len() < wanted {
            match self.pool.try_acquire_for_branch() {
                Some(permit) => taken.push(permit),
                None => break,
            }
        }
        taken.len()
    }
}

#[cfg(test)]
#[path = "slot_pool_tests.rs"]
mod tests;
