//! Having a host called that works only when it is called, as soon as there is something for it.

use std::sync::{Mutex, PoisonError, Weak};

use super::Engine;
use crate::ports::Scheduler;

/// The schedulers of the hosts that were made of an engine, for as long as these live.
#[derive(Default)]
pub(super) struct Schedulers(Mutex<Vec<Weak<dyn Scheduler>>>);

impl Schedulers {
    pub(super) fn add(&self, scheduler: Weak<dyn Scheduler>) {
        let mut schedulers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        schedulers.retain(|known| known.strong_count() > 0);
        schedulers.push(scheduler);
    }

    fn known(&self) -> Vec<Weak<dyn Scheduler>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Engine {
    /// Makes a call, and tells the schedulers where work has become ready meanwhile and no worker is here to take it. An
    /// error of a scheduler is logged: what was committed is committed.
    pub(super) async fn telling_schedulers<T>(&self, call: impl Future<Output = T>) -> T {
        let schedulers = if self.worker().is_some() { Vec::new() } else { self.inner.schedulers.known() };
        if schedulers.is_empty() {
            return call.await;
        }
        let work = self.store().hints().watch_work();
        let answer = call.await;
        // An error would mean that nobody can tell: the store is gone.
        if work.has_changed().unwrap_or(false) {
            let now = self.kernel().clock().now();
            for scheduler in schedulers.iter().filter_map(Weak::upgrade) {
                if let Err(error) = scheduler.wake_at(now).await {
                    tracing::error!(%error, "the scheduler was not told that work is ready");
                }
            }
        }
        answer
    }
}
