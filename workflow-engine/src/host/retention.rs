//! Deleting runs that have been over for long enough, at the instants at which they have.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::kernel::{Kernel, PurgeRuns};

/// Runs of one purge.
const BATCH: usize = 100;
/// The least time between two purges that found nothing more: a run that is kept back by an event that cannot be
/// delivered is not looked at all the time.
const MIN_INTERVAL: Duration = Duration::from_secs(60);

/// Deletes runs that ended at least `older_than` ago.
pub(super) async fn purge(kernel: Arc<Kernel>, older_than: Duration, stopping: CancellationToken) {
    let mut changes = kernel.store().hints().watch_changes();
    loop {
        changes.mark_unchanged();
        let next = match purge_once(&kernel, older_than).await {
            Ok(Next::Now) if !stopping.is_cancelled() => continue,
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "runs that are over were not purged");
                Next::After(MIN_INTERVAL)
            }
        };
        let wait = async {
            if matches!(next, Next::AfterAChange) {
                // Whatever ends is too young for as long again.
                let _ = changes.changed().await;
            }
            let wait = if let Next::After(wait) = next { wait } else { older_than };
            kernel.clock().sleep(wait.max(MIN_INTERVAL)).await;
        };
        tokio::select! {
            biased;
            () = stopping.cancelled() => return,
            () = wait => {}
        }
    }
}

enum Next {
    Now,
    After(Duration),
    AfterAChange,
}

async fn purge_once(kernel: &Kernel, older_than: Duration) -> Result<Next, Error> {
    let command = PurgeRuns { older_than, limit: BATCH, include_undelivered: false };
    if kernel.dispatch(command).await?.runs.len() == BATCH {
        return Ok(Next::Now);
    }
    let Some(end) = kernel.store().oldest_end().await? else { return Ok(Next::AfterAChange) };
    let due = TimeDelta::from_std(older_than).ok().and_then(|age| end.checked_add_signed(age));
    // A limit beyond the calendar is reached never.
    let Some(due) = due else { return Ok(Next::AfterAChange) };
    Ok(Next::After((due - kernel.clock().now()).to_std().unwrap_or_default()))
}
