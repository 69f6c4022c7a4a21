//! Delivers events, to each subscriber in its own loop, so that a slow subscriber does not delay another one.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::service::{self, Next, Service};
use crate::error::{Error, ErrorCode};
use crate::kernel::{FlushOutbox, Kernel};

/// The delivery loops of one worker.
#[derive(Default)]
pub(super) struct Flushers {
    loops: TaskTracker,
    /// Each loop delivers what is due, then ends.
    stopping: CancellationToken,
    /// Each loop ends at its next `.await`.
    stopped: CancellationToken,
}

impl Flushers {
    /// Starts a loop for each subscriber.
    pub(super) fn start(&self, kernel: &Arc<Kernel>, worker_id: &str, runtime: &Handle) {
        for subscriber in kernel.subscriber_names() {
            let flusher = Flusher {
                subscriber: subscriber.to_owned(),
                worker_id: worker_id.to_owned(),
                is_outdated: false,
            };
            let flushing = service::run(Arc::clone(kernel), flusher, self.stopping.clone());
            let stopped = self.stopped.clone();
            self.loops.spawn_on(async move { stopped.run_until_cancelled(flushing).await }, runtime);
        }
    }

    /// Delivers what is due, and ends the loops.
    pub(super) async fn drain(&self) {
        self.stopping.cancel();
        self.loops.close();
        self.loops.wait().await;
    }

    /// Ends each loop at its next `.await`.
    pub(super) fn stop(&self) {
        self.stopped.cancel();
    }

    /// Returns whether all loops have ended.
    pub(super) fn have_ended(&self) -> bool {
        self.loops.is_empty()
    }
}

/// Delivers events to one subscriber when there are new ones, and when a failed delivery is due again.
struct Flusher {
    subscriber: String,
    worker_id: String,
    /// Whether the last pass found a registration of another version.
    is_outdated: bool,
}

impl Service for Flusher {
    // The events of the last jobs are still delivered.
    const DRAINS: bool = true;

    fn name(&self) -> String {
        format!("deliver events to `{}`", self.subscriber)
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        let (worker_id, plugin) = (self.worker_id.clone(), Some(self.subscriber.clone()));
        // Without a limit: at its end the pass waits for its slowest call, and other runs would wait with it.
        match kernel.dispatch(FlushOutbox { worker_id, limit: usize::MAX, plugin }).await {
            Err(error) if error.code() == ErrorCode::SubscriptionOutdated => {
                if !std::mem::replace(&mut self.is_outdated, true) {
                    tracing::warn!(subscriber = self.subscriber, %error, "this process does not deliver events");
                }
                return Ok(Next::OnChange);
            }
            flushed => flushed?,
        };
        self.is_outdated = false;
        let due = kernel.store().next_delivery_due(&self.subscriber).await?;
        Ok(due.map_or(Next::OnChange, Next::OnChangeOrAt))
    }

    fn retry(&mut self, kernel: &Kernel, pause: Duration) -> Next {
        Next::At(kernel.clock().now() + pause)
    }
}
