//! Creates the runs that programs have enqueued in transactions of their own.

use std::time::Duration;

use tokio::sync::watch;

use super::service::{Next, Service};
use crate::error::Error;
use crate::kernel::Kernel;

/// The number of runs in one pass.
const BATCH: usize = 100;

/// Creates enqueued runs. They come from connections that are not the store's, so a hint about commits of other processes
/// precedes them: the commits of this process cost nothing here.
pub(super) struct EnqueuedRuns {
    external: watch::Receiver<u64>,
}

impl EnqueuedRuns {
    pub(super) fn new(kernel: &Kernel) -> Self {
        Self { external: kernel.store().hints().watch_external() }
    }
}

impl Service for EnqueuedRuns {
    fn name(&self) -> String {
        "create enqueued runs".into()
    }

    async fn pass(&mut self, kernel: &Kernel) -> Result<Next, Error> {
        if kernel.store().enqueue_target().is_none() {
            return Ok(Next::WhenWoken);
        }
        let accepted = kernel.accept_enqueued(BATCH).await?;
        Ok(if accepted < BATCH { Next::WhenWoken } else { Next::Now })
    }

    async fn woken(&mut self, _: &Kernel) {
        if self.external.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    fn retry(&mut self, kernel: &Kernel, pause: Duration) -> Next {
        Next::At(kernel.clock().now() + pause)
    }
}
