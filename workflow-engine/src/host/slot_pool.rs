//! The slots of a worker: one for each job that it holds.
//!
//! A worker has as many slots as bodies may run at the same time. Jobs with short bodies spend most of their time in
//! commits, so a worker whose bodies are short holds more jobs: otherwise branches and runs would queue that could run at
//! once, and a queue costs commits. A job whose body then cannot start soon returns to the queue, for other workers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::bodies::{Bodies, RequestedBody};
use super::preemption::Preemption;
use crate::ports::HighestPriority;

/// The slots for each body that may run, while bodies are short.
const SLOTS_OF_SHORT_BODIES: usize = 4;

/// The slots of one worker.
pub(super) struct SlotPool {
    bodies: Arc<Bodies>,
    preemption: Preemption,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The number of slots that are taken.
    taken: usize,
    /// The claim loop, while it waits for a slot: the next one is its own.
    waiting: Option<oneshot::Sender<Slot>>,
    is_closed: bool,
}

/// A slot that is taken. Dropping it frees it.
pub(super) struct Slot(Arc<SlotPool>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.state().taken -= 1;
        self.0.offer();
    }
}

impl SlotPool {
    /// Creates a pool for this many bodies, at least one. `highest` receives the priorities of work that becomes ready.
    pub(super) fn new(bodies: usize, highest: Arc<HighestPriority>) -> Arc<Self> {
        Arc::new(Self {
            bodies: Bodies::new(bodies.max(1)),
            preemption: Preemption::new(highest),
            state: Mutex::default(),
        })
    }

    /// Gives out no more slots. Those that are taken stay with their jobs.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        state.waiting = None;
    }

    /// Waits for a free slot, then takes up to `limit` slots. Returns `None` when the pool is closed. Only the claim loop
    /// waits.
    pub(super) async fn acquire_up_to(self: &Arc<Self>, limit: usize) -> Option<Vec<Slot>> {
        let first = match self.try_acquire() {
            Some(slot) => slot,
            None => self.wait().await?,
        };
        let others = std::iter::from_fn(|| self.try_acquire());
        Some(std::iter::once(first).chain(others).take(limit.max(1)).collect())
    }

    async fn wait(self: &Arc<Self>) -> Option<Slot> {
        let (sender, slot) = oneshot::channel();
        {
            let mut state = self.state();
            state.waiting = (!state.is_closed).then_some(sender);
        }
        // One may have become free meanwhile.
        self.offer();
        slot.await.ok()
    }

    /// Takes a slot if one is free, the pool is open, and the claim loop does not wait for one.
    pub(super) fn try_acquire(self: &Arc<Self>) -> Option<Slot> {
        let mut state = self.state();
        let is_waiting = state.waiting.as_ref().is_some_and(|waiting| !waiting.is_closed());
        let is_free = !state.is_closed && !is_waiting && state.taken < self.slots();
        is_free.then(|| {
            state.taken += 1;
            Slot(Arc::clone(self))
        })
    }

    /// Gives the claim loop a slot, if it waits for one and one is free. One that was left to more urgent work is its own
    /// in any case.
    fn offer(self: &Arc<Self>) {
        let mut state = self.state();
        if state.waiting.is_none() || state.taken >= self.slots() && !self.preemption.is_pending() {
            return;
        }
        let Some(waiting) = state.waiting.take() else { return };
        state.taken += 1;
        drop(state);
        // If it waits no longer, this drops the slot, which frees it.
        drop(waiting.send(Slot(Arc::clone(self))));
    }

    /// Requests the start of the body of a job in a slot. Bodies start in the order of their requests.
    pub(super) fn request_body(&self) -> RequestedBody {
        self.bodies.request()
    }

    /// Notes that a body has ended. Bodies may have become short, which frees slots.
    pub(super) fn body_ended(self: &Arc<Self>) {
        self.offer();
    }

    /// Returns the number of slots that are taken.
    pub(super) fn taken(&self) -> usize {
        self.state().taken
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

    /// Returns whether a run of this priority does not continue in its slot: the pool is closed, more jobs are held than
    /// long bodies allow for, or more urgent work waits.
    pub(super) fn withholds(&self, priority: i32) -> bool {
        let (taken, is_closed) = {
            let state = self.state();
            (state.taken, state.is_closed)
        };
        let holds_too_many = || taken > self.bodies.limit() && !self.bodies.are_short();
        // While a slot is free, neither run needs to wait.
        let is_full = || taken >= self.slots();
        is_closed || holds_too_many() || is_full() && self.preemption.preempts(priority)
    }

    /// Returns the number of slots now.
    fn slots(&self) -> usize {
        let is_extended = self.bodies.are_short() && self.bodies.are_few();
        self.bodies.limit() * if is_extended { SLOTS_OF_SHORT_BODIES } else { 1 }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
#[path = "slot_pool_tests.rs"]
mod tests;
