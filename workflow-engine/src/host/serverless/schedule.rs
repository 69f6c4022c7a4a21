//! When the host has to be called again, and having it called.

use chrono::{DateTime, Utc};

use super::Serverless;
use crate::error::Error;

impl Serverless {
    /// The earliest instant at which a call has something to do.
    pub(super) async fn next_due(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let store = self.kernel.store();
        let definitions = self.kernel.definitions();
        if !store.pending_runs(&definitions, 1).await?.is_empty() {
            return Ok(Some(self.kernel.clock().now()));
        }
        let job = store.next_job_due(&definitions).await?;
        let lease = store.next_lease_end().await?;
        let mut next = job.into_iter().chain(lease).min();
        for subscriber in self.kernel.subscriber_names() {
            let delivery = store.next_delivery_due(subscriber).await?;
            next = next.into_iter().chain(delivery).min();
        }
        Ok(next)
    }

    /// Tells the scheduler, if there is one. What was done is done, whatever becomes of this.
    pub(super) async fn schedule_next(&self) {
        if self.settings.scheduler.is_none() {
            return;
        }
        let told = match self.next_due().await {
            Ok(due) => self.schedule(due).await,
            Err(error) => Err(error),
        };
        if let Err(error) = told {
            tracing::error!(%error, "the scheduler was not told when something is due");
        }
    }

    pub(super) async fn schedule(&self, due: Option<DateTime<Utc>>) -> Result<(), Error> {
        let (Some(scheduler), Some(due)) = (&self.settings.scheduler, due) else { return Ok(()) };
        scheduler.wake_at(due).await.map_err(Error::scheduler)
    }
}
