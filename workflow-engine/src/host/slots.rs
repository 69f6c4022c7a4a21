//! Room for bodies: a permit each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::giving_way::GivingWay;
use crate::kernel::Slots;

/// How long room is kept for branches: longer than short bodies and their commits take, and no time for long ones.
const KEPT: Duration = Duration::from_millis(10);

/// The room of a worker.
pub(super) struct Room {
    pub(super) free: Arc<Semaphore>,
    pub(super) giving_way: GivingWay,
    /// No more claims.
    pub(super) stopping: CancellationToken,
    /// Kept for the branches of runs that were started: taken by these alone.
    pub(super) kept: Mutex<Vec<OwnedSemaphorePermit>>,
}

impl Room {
    /// Room for one more job, if there is any and the worker is not stopping.
    pub(super) fn try_reserve(&self) -> Option<OwnedSemaphorePermit> {
        if self.stopping.is_cancelled() {
            return None;
        }
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Keeps room for the branches of runs that are being started. Where all of it were given to further runs, what is
    /// ready beside a successor would queue, and go on in other processes, which do not know the run.
    #[allow(
        clippy::disallowed_methods,
        reason = "bodies take this process's time, whatever the engine's clock shows"
    )]
    pub(super) fn keep_for_branches(self: &Arc<Self>, permits: Vec<OwnedSemaphorePermit>) {
        let kept = permits.len();
        if kept == 0 {
            return;
        }
        self.kept().extend(permits);
        let room = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(KEPT).await;
            // Which of them these are makes no difference.
            let mut rest = room.kept();
            let of_others = rest.len().saturating_sub(kept);
            rest.truncate(of_others);
        });
    }

    fn try_reserve_for_branch(&self) -> Option<OwnedSemaphorePermit> {
        self.try_reserve().or_else(|| self.kept().pop())
    }

    fn kept(&self) -> MutexGuard<'_, Vec<OwnedSemaphorePermit>> {
        // Nothing panics under this lock.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The room that a completing job finds for its successors: its own, what else is free, and what is kept for branches;
/// none where something more urgent is known to wait.
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
            match room.try_reserve_for_branch() {
                Some(permit) => taken.push(permit),
                None => break,
            }
        }
        taken.len()
    }
}
