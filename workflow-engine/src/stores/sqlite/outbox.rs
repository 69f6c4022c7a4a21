//! The store on SQLite as an outbox.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Row;

use super::SqliteStore;
use super::arguments::count;
use super::deliveries::{self, ANY_DELIVERIES, DEAD_LETTERS, NEXT_DUE};
use super::failure::Failure;
use super::transport::due;
use super::work::{Replay, Work};
use crate::error::Error;
use crate::ports::{Delivery, DeliveryClaim, Outbox, Settlement};
use crate::records::DeadLetter;
use crate::stores::instant;

#[async_trait]
impl Outbox for SqliteStore {
    fn deliver_events(&self, deliver: bool) {
        self.deliver_events.store(deliver, Ordering::Relaxed);
    }

    async fn claim_deliveries(&self, ask: &DeliveryClaim) -> Result<Vec<Delivery>, Error> {
        const DOING: &str = "claim deliveries";

        // A claim is a write transaction. This read spares it to an idle flusher.
        let now = instant::now(&*self.clock).timestamp_micros();
        let query = self.query(ANY_DELIVERIES).bind(ask.subscriber.clone()).bind(now);
        let rows = self.read(DOING, query).await?;
        let any = rows.first().map_or(Ok(false), |row| row.try_get::<bool, _>(0));
        if !any.map_err(|error| Failure::database(DOING, error))? {
            return Ok(Vec::new());
        }
        self.request(DOING, Work::ClaimDeliveries, ask.clone()).await
    }

    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        if settlements.is_empty() {
            return Ok(());
        }
        self.request("settle deliveries", Work::SettleDeliveries, settlements).await
    }

    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error> {
        let query = self.query(NEXT_DUE).bind(subscriber.to_owned());
        due(&self.read("read when a delivery is due", query).await?)
    }

    async fn dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<Vec<DeadLetter>, Error> {
        let query = self.query(DEAD_LETTERS).bind(subscriber.map(str::to_owned)).bind(count(limit));
        let rows = self.read("read dead letters", query).await?;
        Ok(rows.iter().map(deliveries::dead_letter).collect::<Result<_, Failure>>()?)
    }

    async fn replay_dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<usize, Error> {
        let replay = Replay { subscriber: subscriber.map(str::to_owned), limit };
        self.request("replay dead letters", Work::Replay, replay).await
    }
}
