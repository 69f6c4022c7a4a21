//! Notifies the schedulers of serverless hosts when work becomes ready.

use std::sync::{Mutex, PoisonError, Weak};

use super::Engine;
use crate::ports::Scheduler;

/// The schedulers of the serverless hosts that were created from an engine and still exist.
#[derive(Default)]
pub(super) struct Schedulers(Mutex<Vec<Weak<dyn Scheduler>>>);

impl Schedulers {
    pub(super) fn add(&self, scheduler: Weak<dyn Scheduler>) {
        let mut schedulers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        schedulers.retain(|other| other.strong_count() > 0);
        schedulers.push(scheduler);
    }

    fn all(&self) -> Vec<Weak<dyn Scheduler>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Engine {
    /// Makes a call, then notifies the schedulers if work has become ready meanwhile and this engine has no worker to take
    /// it. An error of a scheduler is only logged: the call is already committed.
    pub(super) async fn notify_schedulers_after<T>(&self, call: impl Future<Output = T>) -> T {
        let schedulers = if self.worker().is_some() { Vec::new() } else { self.inner.schedulers.all() };
        if schedulers.is_empty() {
            return call.await;
        }
        let work = self.store().hints().watch_work();
        let output = call.await;
        // An error would mean that the store no longer exists.
        if work.has_changed().unwrap_or(false) {
            let now = self.kernel().clock().now();
            for scheduler in schedulers.iter().filter_map(Weak::upgrade) {
                if let Err(error) = scheduler.wake_at(now).await {
                    tracing::error!(%error, "the scheduler could not be notified of ready work");
                }
            }
        }
        output
    }
}
