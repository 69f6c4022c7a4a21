//! Implements the outbox port.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Row;

use super::PostgresStore;
use super::arrays::number;
use super::deliveries;
use super::failure::Failure;
use super::text::stored;
use super::work::{Replay, Work};
use crate::error::Error;
use crate::ports::{Delivery, DeliveryClaim, Outbox, Settlement};
use crate::records::DeadLetter;

#[async_trait]
impl Outbox for PostgresStore {
    fn deliver_events(&self, deliver: bool) {
        self.database.deliver_events.store(deliver, Ordering::Relaxed);
    }

    async fn claim_deliveries(&self, claim: &DeliveryClaim) -> Result<Vec<Delivery>, Error> {
        const ACTION: &str = "claim deliveries";

        let subscriber = stored(&claim.subscriber).into_owned();
        let rows = self.read(ACTION, move |database| {
            let query = database.query(deliveries::ANY).bind(subscriber.clone());
            query.bind(database.test_now())
        });
        let any = rows.await?.first().map_or(Ok(false), |row| row.try_get::<bool, _>(0));
        if !any.map_err(|error| Failure::database(ACTION, error))? {
            return Ok(Vec::new());
        }
        self.submit(ACTION, Work::ClaimDeliveries, claim.clone()).await
    }

    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        if settlements.is_empty() {
            return Ok(());
        }
        self.submit("settle deliveries", Work::SettleDeliveries, settlements).await
    }

    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error> {
        let subscriber = stored(subscriber).into_owned();
        let rows = self.read("read when a delivery is due", move |database| {
            database.query(deliveries::NEXT_DUE).bind(subscriber.clone())
        });
        self.local_due(&rows.await?)
    }

    async fn dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<Vec<DeadLetter>, Error> {
        let subscriber = subscriber.map(|subscriber| stored(subscriber).into_owned());
        let rows = self.read("read dead letters", move |database| {
            database.query(deliveries::DEAD_LETTERS).bind(subscriber.clone()).bind(number(limit))
        });
        Ok(rows.await?.iter().map(deliveries::dead_letter).collect::<Result<_, _>>()?)
    }

    async fn replay_dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<usize, Error> {
        let replay = Replay { subscriber: subscriber.map(str::to_owned), limit };
        self.submit("replay dead letters", Work::Replay, replay).await
    }
}
