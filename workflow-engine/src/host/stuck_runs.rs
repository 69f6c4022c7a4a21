//! Looking after runs that stand still: seldom, and not at all while nothing happens.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::kernel::{FailUnclaimedRuns, Kernel, ReapStuckRuns};

/// Repairs or fails runs that are stuck.
pub(super) async fn reap_stuck(kernel: Arc<Kernel>, threshold: Duration, stopping: CancellationToken) {
    let look = move |kernel: Arc<Kernel>| async move {
        kernel.dispatch(ReapStuckRuns { threshold }).await.map(drop)
    };
    look_after(kernel, threshold, stopping, look).await;
}

/// Fails runs that nobody claims.
pub(super) async fn fail_unclaimed(kernel: Arc<Kernel>, limit: Duration, stopping: CancellationToken) {
    let look = move |kernel: Arc<Kernel>| async move {
        kernel.dispatch(FailUnclaimedRuns { limit }).await.map(drop)
    };
    look_after(kernel, limit, stopping, look).await;
}

/// Looks at the start; when all that there was then is old enough; and from then on so long after a change. What a
/// change leaves behind is old enough by then, so that while nothing changes there is nothing to look at.
async fn look_after<F>(
    kernel: Arc<Kernel>,
    age: Duration,
    stopping: CancellationToken,
    look: impl Fn(Arc<Kernel>) -> F + Send,
) where
    F: Future<Output = Result<(), Error>> + Send,
{
    let mut changes = kernel.store().hints().watch_changes();
    // What an earlier process has left.
    changes.mark_changed();
    loop {
        if let Err(error) = look(Arc::clone(&kernel)).await {
            tracing::error!(%error, "runs that stand still were not looked at");
            changes.mark_changed();
        }
        let wait = async {
            // Cannot fail: the store holds the sender.
            let _ = changes.changed().await;
            kernel.clock().sleep(age).await;
        };
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            () = wait => {}
        }
    }
}
