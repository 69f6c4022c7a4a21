//! The store on SQLite as an outbox.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Row;

use super::SqliteStore;
use super::arguments::count;
use super::batch::Batch;
use super::deliveries::{self, ANY_DELIVERIES, DEAD_LETTERS, NEXT_DUE};
use super::failure::Failure;
use super::subscribers::{self, BACKLOGS, SUBSCRIBERS};
use super::transport::due;
use crate::error::Error;
use crate::ports::{
    DeadLetterFilter, Delivery, DeliveryClaim, DeliveryLease, DeliveryStart, Outbox, Registration,
    Settlement, Subscription,
};
use crate::records::{DeadLetter, DeadLetterPlace, SubscriberRecord};
use crate::stores::deliveries::{check_registered, sorted_types};
use crate::stores::delivery_requests::{RegisterSubscriber, RegisteredClaim, RenewDeliveries, Requeue};
use crate::stores::instant;
use crate::telemetry::SubscriberBacklog;

#[async_trait]
impl Outbox for SqliteStore {
    async fn register_subscriber(
        &self,
        subscription: &Subscription,
        start: DeliveryStart,
    ) -> Result<Registration, Error> {
        // Most starts of a process change nothing, and need no lock.
        let types = sorted_types(subscription);
        let registered = self.subscribers().await?;
        let is_registered =
            |known: &SubscriberRecord| known.name == subscription.subscriber && known.event_types == types;
        if registered.iter().any(is_registered) {
            return Ok(Registration::Unchanged);
        }
        let registration = RegisterSubscriber { subscription: subscription.clone(), start };
        let register = |batch: &mut Batch, input: &_| subscribers::register(&batch.session, input, batch.now);
        self.write("register a subscriber", register, registration).await
    }

    async fn remove_subscriber(&self, name: &str) -> Result<bool, Error> {
        let remove = |batch: &mut Batch, name: &String| subscribers::remove(&batch.session, name, batch.now);
        self.write("remove a subscriber", remove, name.to_owned()).await
    }

    async fn subscribers(&self) -> Result<Vec<SubscriberRecord>, Error> {
        let rows = self.read("read the subscribers", self.query(SUBSCRIBERS)).await?;
        Ok(rows.iter().map(subscribers::subscriber).collect::<Result<_, Failure>>()?)
    }

    async fn subscriber_backlogs(&self) -> Result<Vec<SubscriberBacklog>, Error> {
        let rows = self.read("count deliveries", self.query(BACKLOGS)).await?;
        Ok(rows.iter().map(subscribers::backlog).collect::<Result<_, Failure>>()?)
    }

    async fn claim_deliveries(&self, ask: &DeliveryClaim) -> Result<Vec<Delivery>, Error> {
        const DOING: &str = "claim deliveries";

        // A claim is a write transaction. This read spares it to an idle flusher.
        let now = instant::now(&*self.clock).timestamp_micros();
        let name = &ask.subscription.subscriber;
        let query = self.query(ANY_DELIVERIES).bind(name.clone()).bind(now);
        let rows = self.read(DOING, query).await?;
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let any = row.try_get::<bool, _>(0).map_err(|error| Failure::database(DOING, error))?;
        if !any {
            return Ok(Vec::new());
        }
        let types = row.try_get::<Option<String>, _>(1).map_err(|error| Failure::database(DOING, error))?;
        let types = types.map(|types| subscribers::types_of(name, &types)).transpose()?;
        check_registered(&ask.subscription, types.as_deref())?;
        let claim = RegisteredClaim { claim: ask.clone(), event_types: types.unwrap_or_default() };
        let run = |batch: &mut Batch, claim: &_| deliveries::claim(&batch.session, claim, batch.now);
        self.write(DOING, run, claim).await
    }

    async fn renew_deliveries(
        &self,
        leases: Vec<DeliveryLease>,
        lease: Duration,
    ) -> Result<Vec<DeliveryLease>, Error> {
        let renew = |batch: &mut Batch, input: &_| deliveries::renew(&batch.session, input, batch.now);
        self.write("renew deliveries", renew, RenewDeliveries { leases, lease }).await
    }

    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        if settlements.is_empty() {
            return Ok(());
        }
        let settle =
            |batch: &mut Batch, input: &Vec<_>| deliveries::settle_all(&batch.session, input, batch.now);
        self.write("settle deliveries", settle, settlements).await
    }

    async fn expedite_deliveries(&self, subscriber: &str) -> Result<usize, Error> {
        let refused = Requeue::Refused { subscriber: subscriber.to_owned() };
        self.requeue("expedite deliveries", refused).await
    }

    async fn release_deliveries(&self, dead_workers: &[String]) -> Result<usize, Error> {
        let held = Requeue::HeldBy { workers: dead_workers.to_vec() };
        self.requeue("release deliveries", held).await
    }

    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error> {
        let query = self.query(NEXT_DUE).bind(subscriber.to_owned());
        due(&self.read("read when a delivery is due", query).await?)
    }

    async fn dead_letters(
        &self,
        subscriber: Option<&str>,
        after: Option<&DeadLetterPlace>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Error> {
        let query = self.query(DEAD_LETTERS).bind(subscriber.map(str::to_owned)).bind(count(limit));
        let query = match after {
            Some(DeadLetterPlace { plugin, at, run_id, sequence }) => {
                let sequence = i64::try_from(*sequence).unwrap_or(i64::MAX);
                query.bind(plugin.clone()).bind(at.timestamp_micros()).bind(run_id.to_string()).bind(sequence)
            }
            None => query.bind(subscriber.unwrap_or_default().to_owned()).bind(i64::MIN).bind("").bind(0_i64),
        };
        let rows = self.read("read dead letters", query).await?;
        Ok(rows.iter().map(deliveries::dead_letter).collect::<Result<_, Failure>>()?)
    }

    async fn replay_dead_letters(&self, letters: &DeadLetterFilter, limit: usize) -> Result<usize, Error> {
        let letters = Requeue::DeadLetters { letters: letters.clone(), limit };
        self.requeue("replay dead letters", letters).await
    }
}

impl SqliteStore {
    async fn requeue(&self, doing: &'static str, requeue: Requeue) -> Result<usize, Error> {
        let run = |batch: &mut Batch, requeue: &Requeue| {
            let runs = deliveries::requeue(&batch.session, requeue, batch.now)?;
            for run_id in &runs {
                batch.set.notifications.run_changed(*run_id);
            }
            Ok(runs.len())
        };
        self.write(doing, run, requeue).await
    }
}
