//! Delivering events, to each subscriber in a loop of its own, so that one that is slow holds up no other.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::Error;
use crate::kernel::{FlushOutbox, Kernel};

/// Events of one flush.
const BATCH: usize = 256;
/// How long the loop waits after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// The loops of one worker.
pub(super) struct Flushers {
    loops: TaskTracker,
    /// No more than what is due.
    stopping: CancellationToken,
    /// Nothing more.
    stopped: CancellationToken,
}

impl Flushers {
    /// Starts a loop for each subscriber.
    pub(super) fn start(kernel: &Arc<Kernel>, worker_id: &str) -> Self {
        let (loops, stopping, stopped) =
            (TaskTracker::new(), CancellationToken::new(), CancellationToken::new());
        for subscriber in kernel.subscriber_names() {
            let worker_id = worker_id.to_owned();
            let flushing = flush(Arc::clone(kernel), subscriber.to_owned(), worker_id, stopping.clone());
            let stopped = stopped.clone();
            loops.spawn(async move { stopped.run_until_cancelled(flushing).await });
        }
        Self { loops, stopping, stopped }
    }

    /// Delivers what is due, as far as it gets in this time.
    pub(super) async fn drain(&self, kernel: &Kernel, timeout: Duration) {
        self.stopping.cancel();
        self.loops.close();
        tokio::select! {
            () = self.loops.wait() => {}
            () = kernel.clock().sleep(timeout) => {
                self.stopped.cancel();
                self.loops.wait().await;
            }
        }
    }
}

/// Delivers events to one subscriber whenever there are new ones, and when a refused one is due again. What the last
/// jobs said still goes out: it stops when nothing is due any more.
async fn flush(kernel: Arc<Kernel>, subscriber: String, worker_id: String, stopping: CancellationToken) {
    let mut changes = kernel.store().hints().watch_changes();
    loop {
        // Seen before the flush, so a change during it is not lost.
        changes.mark_unchanged();
        let next = match flush_once(&kernel, &subscriber, &worker_id).await {
            Ok(Progress::More) => continue,
            Ok(Progress::Next(next)) => next,
            Err(error) => {
                tracing::error!(subscriber, %error, "events were not delivered");
                Some(kernel.clock().now() + PAUSE)
            }
        };
        if stopping.is_cancelled() {
            return;
        }
        let due = async {
            match next {
                Some(next) => kernel.clock().sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // Once more after it.
            () = stopping.cancelled() => {}
            // Cannot fail: the store holds the sender.
            _ = changes.changed() => {}
            () = due => {}
        }
    }
}

enum Progress {
    More,
    /// When something is due, if something waits.
    Next(Option<DateTime<Utc>>),
}

async fn flush_once(kernel: &Kernel, subscriber: &str, worker_id: &str) -> Result<Progress, Error> {
    let command =
        FlushOutbox { worker_id: worker_id.to_owned(), limit: BATCH, plugin: Some(subscriber.to_owned()) };
    if kernel.dispatch(command).await?.offered() >= BATCH {
        return Ok(Progress::More);
    }
    kernel.store().next_delivery_due(subscriber).await.map(Progress::Next)
}
