//! Finds out when the host has to be called next and notifies the scheduler.

use chrono::{DateTime, Utc};

use super::Serverless;
use crate::error::Error;

impl Serverless {
    /// Returns the earliest instant at which a call has something to do.
    pub(super) async fn next_due(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let store = self.kernel.store();
        let definitions = self.kernel.definitions();
        if !store.pending_runs(&definitions, 1).await?.is_empty() {
            return Ok(Some(self.kernel.clock().now()));
        }
        let job = store.next_job_due(&definitions).await?;
        let lease = store.next_lease_end().await?;
        let timer = self.kernel.next_time().await?;
        let mut next = job.into_iter().chain(lease).chain(timer).min();
        for subscriber in self.kernel.subscriber_names() {
            let delivery = store.next_delivery_due(subscriber).await?;
            next = next.into_iter().chain(delivery).min();
        }
        Ok(next)
    }

    /// Notifies the scheduler, if there is one. An error is only logged: the call's own work is committed.
    pub(super) async fn schedule_next(&self) {
        if self.settings.scheduler.is_none() {
            return;
        }
        let scheduled = match self.next_due().await {
            Ok(due) => self.schedule(due).await,
            Err(error) => Err(error),
        };
        if let Err(error) = scheduled {
            tracing::error!(%error, "the scheduler could not be notified of the next due instant");
        }
    }

    pub(super) async fn schedule(&self, due: Option<DateTime<Utc>>) -> Result<(), Error> {
        let (Some(scheduler), Some(due)) = (&self.settings.scheduler, due) else { return Ok(()) };
        scheduler.wake_at(due).await.map_err(Error::scheduler)
    }
}
