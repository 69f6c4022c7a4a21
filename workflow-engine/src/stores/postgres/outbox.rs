//! The store on PostgreSQL as the outbox.

use std::sync::atomic::Ordering;
use std::time::Duration;

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

    async fn claim_deliveries(&self, ask: &DeliveryClaim) -> Result<Vec<Delivery>, Error> {
        const DOING: &str = "claim deliveries";

        let subscriber = stored(&ask.subscriber).into_owned();
        let rows = self.read(DOING, move |database| {
            let query = database.query(|sql| &sql.any_deliveries).bind(subscriber.clone());
            query.bind(database.given_now())
        });
        let any = rows.await?.first().map_or(Ok(false), |row| row.try_get::<bool, _>(0));
        if !any.map_err(|error| Failure::database(DOING, error))? {
            return Ok(Vec::new());
        }
        self.ask(DOING, Work::ClaimDeliveries, ask.clone()).await
    }

    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        if settlements.is_empty() {
            return Ok(());
        }
        self.ask("settle deliveries", Work::SettleDeliveries, settlements).await
    }

    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error> {
        let subscriber = stored(subscriber).into_owned();
        let rows = self.read("read when a delivery is due", move |database| {
            database.query(|sql| &sql.next_delivery_due).bind(subscriber.clone())
        });
        self.due(&rows.await?)
    }

    async fn dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<Vec<DeadLetter>, Error> {
        let subscriber = subscriber.map(|subscriber| stored(subscriber).into_owned());
        let rows = self.read("read dead letters", move |database| {
            database.query(|sql| &sql.dead_letters).bind(subscriber.clone()).bind(number(limit))
        });
        Ok(rows.await?.iter().map(deliveries::dead_letter).collect::<Result<_, _>>()?)
    }

    async fn replay_dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<usize, Error> {
        let replay = Replay { subscriber: subscriber.map(str::to_owned), limit };
        self.ask("replay dead letters", Work::Replay, replay).await
    }
}

/// A duration in microseconds, which added to an instant ends within PostgreSQL's calendar.
pub(super) fn length(duration: Duration) -> i64 {
    /// More than the years that ours has left.
    const LONGEST: i64 = 9_000 * 366 * 86_400 * 1_000_000;

    number(duration.as_micros()).min(LONGEST)
}
