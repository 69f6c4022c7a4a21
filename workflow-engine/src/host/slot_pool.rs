//! SlotPool for bodies: a permit each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::preemption::Preemption;
use crate::kernel::Slots;

/// The room of a worker.
pub(super) struct SlotPool {
    pub(super) free: Arc<Semaphore>,
    pub(super) preemption: Preemption,
    /// No more claims.
    pub(super) stopping: CancellationToken,
    /// Kept for the branches of runs that were started: taken by these alone.
    pub(super) reserved: Mutex<Vec<OwnedSemaphorePermit>>,
}

impl SlotPool {
    /// SlotPool for one more job, if there is any and the worker is not stopping.
    pub(super) fn try_acquire(&self) -> Option<OwnedSemaphorePermit> {
        if self.stopping.is_cancelled() {
            return None;
        }
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Keeps room for branches until then, or until they take it. Where all of it were given to runs that are to be
    /// started, what is ready beside a successor would queue, and go on in other processes, which do not know its run.
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
        let room = Arc::clone(self);
        tokio::spawn(async move {
            until.await;
            // Which of them these are makes no difference.
            let mut reserved = room.reserved();
            let of_others = reserved.len().saturating_sub(number);
            reserved.truncate(of_others);
        });
    }

    fn try_acquire_for_branch(&self) -> Option<OwnedSemaphorePermit> {
        self.try_acquire().or_else(|| self.reserved().pop())
    }

    fn reserved(&self) -> MutexGuard<'_, Vec<OwnedSemaphorePermit>> {
        // Nothing panics under this lock.
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The room that a completing job finds for its successors: its own, what else is free, and what is reserved for branches;
/// none where something more urgent is known to wait.
///
/// The permits taken here belong to the jobs that the commit claims; what it did not need returns on drop.
pub(super) struct SuccessorSlots {
    room: Arc<SlotPool>,
    taken: Mutex<Vec<OwnedSemaphorePermit>>,
}

impl SuccessorSlots {
    pub(super) fn new(own: OwnedSemaphorePermit, room: Arc<SlotPool>) -> Self {
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
        let gives_way = || room.stopping.is_cancelled() || is_full() && room.preemption.preempts(priority);
        let wanted = if wanted == 0 || gives_way() { 0 } else { wanted };
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // While an outcome is on its way to the disk no body runs: whoever waits for room has it at once.
        taken.truncate(wanted);
        while taken.len() < wanted {
            match room.try_acquire_for_branch() {
                Some(permit) => taken.push(permit),
                None => break,
            }
        }
        taken.len()
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::ports::HighestPriority;

    #[tokio::test]
    async fn what_is_kept_for_branches_is_theirs_until_the_time_is_over() {
        let room = Arc::new(SlotPool {
            free: Arc::new(Semaphore::new(4)),
            preemption: Preemption::new(Arc::new(HighestPriority::default())),
            stopping: CancellationToken::new(),
            reserved: Mutex::default(),
        });
        let mut permits: Vec<_> = std::iter::from_fn(|| room.try_acquire()).collect();
        let (over, until) = oneshot::channel::<()>();
        room.reserve_for_branches(permits.split_off(1), async move { until.await.unwrap() });
        assert!(room.try_acquire().is_none(), "no further run is started in it");

        let slots = SuccessorSlots::new(permits.remove(0), Arc::clone(&room));
        assert_eq!(slots.take(3, 5), 3, "a completing stage goes on with all of its branches");
        assert!(room.try_acquire().is_none(), "one is still reserved");

        over.send(()).unwrap();
        let freed = Arc::clone(&room.free).acquire_owned().await.unwrap();
        assert!(room.try_acquire().is_none(), "what branches have taken stays theirs");
        drop(slots.into_permits());
        drop(freed);
        assert_eq!(room.free.available_permits(), 4);
    }
}
