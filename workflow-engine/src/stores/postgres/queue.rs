//! The queue of requests for the committers.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use super::batch::Batch;
use crate::stores::commit;
use crate::value::{IdSet, RunId};

/// A request.
type Work = commit::Work<Batch>;

/// The most requests in one transaction: beyond some hundreds a larger one is no faster, and keeps its runs locked.
const MAX_BATCH: usize = 256;

/// How many requests have to wait for each batch in progress before another committer takes a batch. A commit costs the
/// server more than a request in it, so it is cheaper to let them wait for the next one.
const MIN_BATCH: usize = 8;

/// The longest time that requests wait for a batch to fill: the batches in progress may themselves wait for a lock, or
/// for the user's statements.
const MAX_LINGER: Duration = Duration::from_millis(5);

/// Requests in the order of their arrival.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Signalled when a committer may find a batch.
    changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    /// Runs that a committer is working on. Further requests about them wait here until it has finished; with another
    /// committer they would occupy a connection while they wait for the run's lock.
    runs_in_progress: IdSet<RunId>,
    /// Batches in progress that may have several requests. A request that runs alone does not count: it may wait long
    /// for others, and must not delay a batch.
    batches_in_progress: usize,
    closed: bool,
}

impl Queue {
    /// Adds a request; returns false, and drops the request, if the queue is closed.
    pub(super) fn push(&self, work: Work) -> bool {
        let mut state = self.state();
        if state.closed {
            return false;
        }
        state.waiting.push_back(work);
        drop(state);
        self.changed.notify_one();
        true
    }

    /// Stops accepting requests; the committers still serve those that wait.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_waiters();
    }

    /// Waits for the next batch, to be committed in one transaction; `None` when the queue is closed and empty.
    pub(super) async fn next_batch(&self) -> Option<Vec<Work>> {
        let mut min_batch = MIN_BATCH;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // Registers this committer before it checks the queue, so that it misses no change.
            changed.as_mut().enable();
            let some_wait = {
                let mut state = self.state();
                let batch = state.take(min_batch);
                if !batch.is_empty() {
                    return Some(batch);
                }
                if state.closed && state.waiting.is_empty() {
                    return None;
                }
                !state.waiting.is_empty()
            };
            min_batch = MIN_BATCH;
            if !some_wait {
                changed.await;
            } else if tokio::time::timeout(MAX_LINGER, changed).await.is_err() {
                min_batch = 0;
            }
        }
    }

    /// Returns the runs that committers are working on.
    pub(super) fn runs_in_progress(&self) -> Vec<Uuid> {
        self.state().runs_in_progress.iter().map(|run_id| *run_id.as_uuid()).collect()
    }

    /// Returns whether a committer is working on a run.
    pub(super) fn is_in_progress(&self, run_id: RunId) -> bool {
        self.state().runs_in_progress.contains(&run_id)
    }

    /// Notes that a committer has finished a batch.
    pub(super) fn finish_batch(&self, is_shared: bool) {
        self.state().batches_in_progress -= usize::from(is_shared);
    }

    /// Notes that a committer has finished its work on these runs.
    pub(super) fn release(&self, runs: &[RunId]) {
        let mut state = self.state();
        for run_id in runs {
            state.runs_in_progress.remove(run_id);
        }
        let (some_wait, closed) = (!state.waiting.is_empty(), state.closed);
        drop(state);
        if closed {
            self.changed.notify_waiters();
        } else if some_wait {
            self.changed.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether a batch is one that may have several requests, even if it has only one.
pub(super) fn is_shared(batch: &[Work]) -> bool {
    batch.first().is_some_and(|work| !runs_alone(work))
}

/// Returns whether a request needs its own transaction, because it locks more than it names beforehand.
fn runs_alone(work: &Work) -> bool {
    !matches!(work, Work::Commit(_))
}

impl State {
    /// Takes one request that runs alone, or all that can share a transaction; nothing if too few wait.
    fn take(&mut self, min_batch: usize) -> Vec<Work> {
        let first_runs_alone = self.waiting.front().is_some_and(runs_alone);
        if !first_runs_alone && self.waiting.len() < self.batches_in_progress * min_batch {
            return Vec::new();
        }
        let mut batch: Vec<Work> = Vec::with_capacity(self.waiting.len().min(MAX_BATCH));
        let mut skipped = Vec::new();
        while let Some(work) = self.waiting.pop_front() {
            let is_in_progress = work.run_id().is_some_and(|run_id| self.runs_in_progress.contains(&run_id));
            if is_in_progress || (runs_alone(&work) && !batch.is_empty()) {
                skipped.push(work);
                continue;
            }
            let alone = runs_alone(&work);
            batch.push(work);
            if alone || batch.len() == MAX_BATCH {
                break;
            }
        }
        skipped.into_iter().rev().for_each(|work| self.waiting.push_front(work));
        self.runs_in_progress.extend(batch.iter().filter_map(Work::run_id));
        self.batches_in_progress += usize::from(is_shared(&batch));
        batch
    }
}
