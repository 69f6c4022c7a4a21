//! The loop that every background service of a worker runs in.
//!
//! Each service has its own task, so that a slow or failing service does not delay another one and no service overlaps
//! with itself.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::backoff::Backoff;
use crate::error::Error;
use crate::kernel::Kernel;

/// Work that a worker repeats beside its jobs.
pub(super) trait Service: Send {
    /// Whether changes that arrive during the delay of [`Next::AfterChange`] cause another pass. Set it where a pass
    /// ignores what has changed too recently. Such a service also counts a start and an error as changes.
    const REVISITS_RECENT_CHANGES: bool = false;

    /// Whether the service, when the worker drains, makes passes until one does not return [`Next::Now`].
    const DRAINS: bool = false;

    /// The name in logs: an infinitive with its object.
    fn name(&self) -> String;

    /// Does what is due and returns when the next pass is.
    fn pass(&mut self, kernel: &Kernel) -> impl Future<Output = Result<Next, Error>> + Send;

    /// Waits for an event that is neither a change nor an instant and calls for a pass before the next one is due. By
    /// default there is none. It may be dropped and called again at any time.
    fn woken(&mut self, _: &Kernel) -> impl Future<Output = ()> + Send {
        pending()
    }

    /// Returns when a pass that failed is retried: not earlier than after `pause`, which grows with each failure. Changes
    /// must not wake the service before: a store that cannot be written may report each failed commit as a change.
    fn retry(&mut self, kernel: &Kernel, pause: Duration) -> Next;
}

/// When the next pass of a service is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// At once.
    Now,
    /// At this instant. Changes until then do not wake the service.
    At(DateTime<Utc>),
    /// On the next change.
    OnChange,
    /// On the next change, or at this instant if that is earlier.
    OnChangeOrAt(DateTime<Utc>),
    /// This long after the next change.
    AfterChange(Duration),
    /// When [`Service::woken`] returns.
    WhenWoken,
}

/// Runs a service until the worker stops.
pub(super) async fn run<S: Service>(kernel: Arc<Kernel>, mut service: S, stopping: CancellationToken) {
    let mut changes = kernel.store().hints().watch_changes();
    if S::REVISITS_RECENT_CHANGES {
        changes.mark_changed();
    }
    let (outages, mut backoff) = (kernel.store().hints().outages(), Backoff::default());
    loop {
        // Marked before the pass, so that a change during the pass wakes the service.
        if !S::REVISITS_RECENT_CHANGES {
            changes.mark_unchanged();
        }
        let is_last_pass = stopping.is_cancelled();
        let passed = service.pass(&kernel).await;
        outages.record(&service.name(), &passed);
        let next = if let Ok(next) = passed {
            backoff.reset();
            next
        } else {
            if S::REVISITS_RECENT_CHANGES {
                changes.mark_changed();
            }
            service.retry(&kernel, backoff.next_pause())
        };
        if next == Next::Now && (S::DRAINS || !stopping.is_cancelled()) {
            // A store in memory never waits, and other tasks of a runtime with one thread would have no turn.
            tokio::task::yield_now().await;
            continue;
        }
        if is_last_pass || !S::DRAINS && stopping.is_cancelled() {
            return;
        }
        tokio::select! {
            biased;
            // A service that drains makes one more pass, which begins after the worker's last commit. The pass before it
            // may have read the store earlier, even if it ended later.
            () = stopping.cancelled() => if !S::DRAINS { return },
            () = service.woken(&kernel) => {}
            () = wait(&kernel, &mut changes, next) => {}
        }
    }
}

async fn wait(kernel: &Kernel, changes: &mut watch::Receiver<u64>, next: Next) {
    let clock = kernel.clock();
    // Waiting for a change cannot fail: the store holds the sender.
    match next {
        Next::Now => {}
        Next::At(instant) => clock.sleep_until(instant).await,
        Next::WhenWoken => pending().await,
        Next::OnChange => drop(changes.changed().await),
        Next::OnChangeOrAt(instant) => tokio::select! {
            _ = changes.changed() => {}
            () = clock.sleep_until(instant) => {}
        },
        Next::AfterChange(delay) => {
            let _ = changes.changed().await;
            clock.sleep(delay).await;
        }
    }
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
