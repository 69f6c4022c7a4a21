//! Notifies the schedulers of serverless hosts when a command makes work ready.

use std::sync::{Mutex, PoisonError, Weak};

use super::Kernel;
use crate::ports::Scheduler;

/// The schedulers of the serverless hosts that were created on this kernel and still exist.
#[derive(Default)]
pub(super) struct Schedulers(Mutex<Vec<Weak<dyn Scheduler>>>);

impl Schedulers {
    fn add(&self, scheduler: Weak<dyn Scheduler>) {
        let mut schedulers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        schedulers.retain(|other| other.strong_count() > 0);
        schedulers.push(scheduler);
    }

    fn all(&self) -> Vec<Weak<dyn Scheduler>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Kernel {
    /// Registers the scheduler of a serverless host, for commands that make work ready.
    pub(crate) fn add_scheduler(&self, scheduler: Weak<dyn Scheduler>) {
        self.schedulers.add(scheduler);
    }

    /// Makes a call, then notifies the schedulers if work has become ready meanwhile and no worker of this process takes
    /// it. An error of a scheduler is only logged: the call is already committed. It continues without its caller, because
    /// the work is committed, too.
    pub(super) async fn notify_schedulers_after<T, F>(&self, call: impl FnOnce(&Self) -> F + Send) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let schedulers = if self.placement.get().is_some() { Vec::new() } else { self.schedulers.all() };
        let call = call(self);
        if schedulers.is_empty() {
            return call.await;
        }
        let kernel = self.shared();
        let notified = async move {
            let work = kernel.store().hints().watch_work();
            let timers = kernel.store().hints().watch_timers();
            let output = call.await;
            // An error would mean that the store no longer exists.
            let mut due = work.has_changed().unwrap_or(false).then(|| kernel.clock().now());
            if timers.has_changed().unwrap_or(false) {
                match kernel.next_time().await {
                    Ok(next) => due = due.into_iter().chain(next).min(),
                    Err(error) => tracing::error!(%error, "the next start or deadline could not be read"),
                }
            }
            if let Some(due) = due {
                for scheduler in schedulers.iter().filter_map(Weak::upgrade) {
                    if let Err(error) = scheduler.wake_at(due).await {
                        tracing::error!(%error, "the scheduler could not be notified of ready work");
                    }
                }
            }
            output
        };
        self.detach(notified, |_, _| {}).await
    }
}
