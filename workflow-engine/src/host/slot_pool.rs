//! The slots of a worker: one for each job that it holds.
//!
//! A job has its slot from its claim to the commit of its outcome, so short bodies spend most of their slots' time in
//! commits. A worker whose bodies are short therefore has more slots than bodies: otherwise branches and runs would
//! queue that could run at once, and a queue costs commits. Where such a job has to wait for a body all the same, it
//! soon returns to the queue, for other workers.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::bodies::{Bodies, RequestedBody, RunningBody};
use super::preemption::Preemption;
use crate::kernel::Slots;
use crate::ports::HighestPriority;

/// The slots for each body that may run, while bodies are short.
const SLOTS_OF_SHORT_BODIES: usize = 4;

/// The slots of one worker.
pub(super) struct SlotPool {
    /// As many as bodies may run at the same time.
    slots: Arc<Semaphore>,
    /// Those that are given out only while bodies are short.
    additional: Arc<Semaphore>,
    bodies: Arc<Bodies>,
    preemption: Preemption,
}

impl SlotPool {
    /// Creates a pool for this many bodies, at least one. `highest` receives the priorities of work that becomes ready.
    pub(super) fn new(bodies: usize, highest: Arc<HighestPriority>) -> Arc<Self> {
        let bodies = bodies.max(1);
        Arc::new(Self {
            slots: Arc::new(Semaphore::new(bodies)),
            additional: Arc::new(Semaphore::new(bodies * (SLOTS_OF_SHORT_BODIES - 1))),
            bodies: Bodies::new(bodies),
            preemption: Preemption::new(highest),
        })
    }

    /// Gives out no more slots. Those that are taken stay with their jobs.
    pub(super) fn close(&self) {
        self.slots.close();
        self.additional.close();
    }

    /// Waits for a free slot, then takes up to `limit` slots. Returns `None` when the pool is closed.
    pub(super) async fn acquire_up_to(&self, limit: usize) -> Option<Vec<OwnedSemaphorePermit>> {
        let mut permits = vec![self.acquire().await?];
        while permits.len() < limit
            && let Some(permit) = self.try_acquire()
        {
            permits.push(permit);
        }
        Some(permits)
    }

    async fn acquire(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            let has_additional = self.bodies.are_short();
            tokio::select! {
                biased;
                slot = Arc::clone(&self.slots).acquire_owned() => return slot.ok(),
                slot = Arc::clone(&self.additional).acquire_owned(), if has_additional => return slot.ok(),
                () = self.bodies.become_short(), if !has_additional => {}
            }
        }
    }

    /// Takes a slot if one is free and the pool is open.
    pub(super) fn try_acquire(&self) -> Option<OwnedSemaphorePermit> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok();
        slot.or_else(|| {
            let additional = self.bodies.are_short().then(|| Arc::clone(&self.additional))?;
            additional.try_acquire_owned().ok()
        })
    }

    /// Requests the start of the body of a job in a slot. Bodies start in the order of their requests.
    pub(super) fn request_body(&self) -> RequestedBody {
        self.bodies.request()
    }

    /// Returns the number of slots that are free, without the additional ones.
    pub(super) fn available(&self) -> usize {
        self.slots.available_permits()
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

    /// Returns whether a run of this priority does not continue in its slot.
    fn withholds(&self, priority: i32) -> bool {
        self.slots.is_closed() || self.is_full() && self.preemption.preempts(priority)
    }

    /// Returns whether no slot is free. Otherwise neither of two runs needs to wait.
    fn is_full(&self) -> bool {
        let has_additional = || self.additional.available_permits() > 0 && self.bodies.are_short();
        self.slots.available_permits() == 0 && !has_additional()
    }
}

/// The slots that a completing job finds for its successors: its own and free ones; none while work of a higher priority
/// waits.
///
/// The commit claims as many jobs as there are permits here. Permits that it does not need are released on drop.
pub(super) struct SuccessorSlots {
    pool: Arc<SlotPool>,
    taken: Mutex<Vec<OwnedSemaphorePermit>>,
    body: Mutex<Option<RunningBody>>,
}

impl SuccessorSlots {
    /// The successors of a job in its own slot whose body runs.
    pub(super) fn new(own: OwnedSemaphorePermit, body: RunningBody, pool: Arc<SlotPool>) -> Self {
        Self { pool, taken: Mutex::new(vec![own]), body: Mutex::new(Some(body)) }
    }

    /// Returns one permit for each job that the commit claimed, the job's own permit first.
    pub(super) fn into_permits(self) -> Vec<OwnedSemaphorePermit> {
        self.taken.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slots for SuccessorSlots {
    fn body_ended(&self) {
        self.body.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn take(&self, wanted: usize, priority: i32) -> usize {
        let wanted = if wanted == 0 || self.pool.withholds(priority) { 0 } else { wanted };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // The body has ended, so another job can use the slot while the outcome is being committed.
        taken.truncate(wanted);
        while taken.len() < wanted {
            match self.pool.try_acquire() {
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
