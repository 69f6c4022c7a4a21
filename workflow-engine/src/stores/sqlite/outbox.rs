//! The store on SQLite as the outbox.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row;

use super::SqliteStore;
use super::events::ANY_UNDELIVERED;
use super::failure::Failure;
use super::work::{Refused, Undelivered, Work};
use crate::error::Error;
use crate::id::RunId;
use crate::ports::Outbox;
use crate::records::{Claim, Event};

#[async_trait]
impl Outbox for SqliteStore {
    fn deliver_events(&self, deliver: bool) {
        self.deliver_events.store(deliver, Ordering::Relaxed);
    }

    async fn undelivered(&self, flusher: &Claim, limit: usize) -> Result<Vec<Event>, Error> {
        const DOING: &str = "read undelivered events";

        // Taking the lease is a write: an idle flusher does without.
        let rows = self.read(DOING, sqlx::query(ANY_UNDELIVERED)).await?;
        let any = rows.first().map_or(Ok(false), |row| row.try_get::<bool, _>(0));
        if !any.map_err(|error| Failure::database(DOING, error))? {
            return Ok(Vec::new());
        }
        self.ask(DOING, Work::Undelivered, Undelivered { flusher: flusher.clone(), limit }).await
    }

    async fn mark_delivered(&self, events: Vec<(RunId, u64)>) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        self.ask("mark events as delivered", Work::MarkDelivered, events).await
    }

    async fn mark_refused(&self, run_id: RunId, sequence: u64, delay: Duration) -> Result<(), Error> {
        let refused = Refused { run_id, sequence, delay };
        self.ask("mark an event as refused", Work::MarkRefused, refused).await
    }
}
