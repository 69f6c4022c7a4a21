//! What waits for a committer.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use uuid::Uuid;

use super::work::Work;
use crate::value::RunId;

/// The most requests in one transaction: beyond some hundreds a larger one is no faster, and keeps its runs locked.
const LARGEST_BATCH: usize = 256;

/// So many requests have to wait for each commit that is on its way before another one joins it. A commit costs the
/// server more than a request in it: what waits meanwhile goes with the next one.
const MIN_BATCH: usize = 8;

/// Nothing waits for company for longer: what is on its way may itself wait, for a lock or for statements of the user's.
const MAX_LINGER: Duration = Duration::from_millis(5);

/// Requests in the order in which they came.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Told when a committer may find something to do.
    changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Work>,
    /// Runs that a committer is busy with. What else is about them waits here for its end instead of there, on a
    /// connection, for the run's lock.
    busy: HashSet<RunId>,
    /// Batches that committers have and that share a transaction. What runs alone may wait for others, and keeps nobody
    /// waiting.
    on_the_way: usize,
    closed: bool,
}

impl Queue {
    /// Adds a request; answers whether it will be served, which it is not where the queue is closed.
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

    /// Takes no more requests; those that wait are still served.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_waiters();
    }

    /// The next requests for one transaction; `None` when the queue is closed and empty.
    pub(super) async fn next(&self) -> Option<Vec<Work>> {
        let mut company = MIN_BATCH;
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            let some_wait = {
                let mut state = self.state();
                let batch = state.take(company);
                if !batch.is_empty() {
                    return Some(batch);
                }
                if state.closed && state.waiting.is_empty() {
                    return None;
                }
                !state.waiting.is_empty()
            };
            company = MIN_BATCH;
            if !some_wait {
                changed.await;
            } else if tokio::time::timeout(MAX_LINGER, changed).await.is_err() {
                company = 0;
            }
        }
    }

    /// The runs that committers are busy with.
    pub(super) fn busy(&self) -> Vec<Uuid> {
        self.state().busy.iter().map(|run_id| *run_id.as_uuid()).collect()
    }

    /// Whether a committer is busy with a run.
    pub(super) fn is_busy(&self, run_id: RunId) -> bool {
        self.state().busy.contains(&run_id)
    }

    /// A committer is done with its batch.
    pub(super) fn done(&self, is_shared: bool) {
        self.state().on_the_way -= usize::from(is_shared);
    }

    /// A committer is done with these runs.
    pub(super) fn release(&self, runs: &[RunId]) {
        let mut state = self.state();
        for run_id in runs {
            state.busy.remove(run_id);
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

/// Whether these requests share a transaction, or a single one could have.
pub(super) fn is_shared(batch: &[Work]) -> bool {
    batch.first().is_some_and(|work| !work.runs_alone())
}

impl State {
    /// One request that runs alone, or all that share a transaction.
    fn take(&mut self, company: usize) -> Vec<Work> {
        let goes_at_once = self.waiting.front().is_some_and(Work::runs_alone);
        if !goes_at_once && self.waiting.len() < self.on_the_way * company {
            return Vec::new();
        }
        let mut batch: Vec<Work> = Vec::new();
        let mut passed = VecDeque::new();
        while let Some(work) = self.waiting.pop_front() {
            let is_busy = work.run_id().is_some_and(|run_id| self.busy.contains(&run_id));
            if is_busy || (work.runs_alone() && !batch.is_empty()) {
                passed.push_back(work);
                continue;
            }
            let alone = work.runs_alone();
            batch.push(work);
            if alone || batch.len() == LARGEST_BATCH {
                break;
            }
        }
        passed.append(&mut self.waiting);
        self.waiting = passed;
        self.busy.extend(batch.iter().filter_map(Work::run_id));
        self.on_the_way += usize::from(is_shared(&batch));
        batch
    }
}
