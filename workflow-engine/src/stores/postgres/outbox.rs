//! Implements the outbox port.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Row;
use uuid::Uuid;

use super::PostgresStore;
use super::arrays::number;
use super::deliveries;
use super::failure::Failure;
use super::subscribers;
use super::text::stored;
use crate::error::Error;
use crate::ports::{
    DeadLetterFilter, Delivery, DeliveryClaim, DeliveryLease, DeliveryStart, Outbox, Registration,
    Settlement, Subscription,
};
use crate::records::{DeadLetter, DeadLetterPlace, SubscriberRecord};
use crate::stores::deliveries::{check_registered, sorted_types};
use crate::stores::delivery_requests::{RegisterSubscriber, RegisteredClaim, RenewDeliveries, Requeue};
use crate::telemetry::SubscriberBacklog;

#[async_trait]
impl Outbox for PostgresStore {
    async fn register_subscriber(
        &self,
        subscription: &Subscription,
        start: DeliveryStart,
    ) -> Result<Registration, Error> {
        let name = &subscription.subscriber;
        let registered = self.read_subscribers().await?;
        let registered = registered.iter().find(|(registered, _)| registered.name == *name);
        // Most starts of a process change nothing, and need no lock.
        let registration = match registered {
            Some((registered, _)) if registered.event_types == sorted_types(subscription) => {
                Registration::Unchanged
            }
            _ => {
                let register = || {
                    let registration = RegisterSubscriber { subscription: subscription.clone(), start };
                    self.write(
                        "register a subscriber",
                        |batch, input| Box::pin(subscribers::register(&mut batch.transaction, input)),
                        registration,
                    )
                };
                self.retry_while_locked(register).await?
            }
        };
        let is_new = registration == Registration::Added && start == DeliveryStart::Oldest;
        // Another process may have ended between the two steps.
        let is_unready = registered.is_some_and(|(_, is_ready)| !is_ready);
        if is_new || is_unready {
            self.write(
                "register a subscriber",
                |batch, name: &String| Box::pin(subscribers::add_old_events(&mut batch.transaction, name)),
                name.clone(),
            )
            .await?;
        }
        Ok(registration)
    }

    async fn remove_subscriber(&self, name: &str) -> Result<bool, Error> {
        const ACTION: &str = "remove a subscriber";

        self.write(
            ACTION,
            |batch, name: &String| Box::pin(subscribers::prune(&mut batch.transaction, name)),
            name.to_owned(),
        )
        .await?;
        let remove = || {
            self.write(
                ACTION,
                |batch, name: &String| Box::pin(subscribers::remove(&mut batch.transaction, name)),
                name.to_owned(),
            )
        };
        self.retry_while_locked(remove).await
    }

    async fn subscribers(&self) -> Result<Vec<SubscriberRecord>, Error> {
        Ok(self.read_subscribers().await?.into_iter().map(|(subscriber, _)| subscriber).collect())
    }

    async fn subscriber_backlogs(&self) -> Result<Vec<SubscriberBacklog>, Error> {
        let rows = self.read("count deliveries", subscribers::read_backlogs).await?;
        Ok(rows.iter().map(subscribers::backlog).collect::<Result<_, Failure>>()?)
    }

    async fn claim_deliveries(&self, claim: &DeliveryClaim) -> Result<Vec<Delivery>, Error> {
        const ACTION: &str = "claim deliveries";

        let subscriber = stored(&claim.subscription.subscriber).into_owned();
        let rows = self.read(ACTION, move |database| {
            let query = database.query(deliveries::ANY).bind(subscriber.clone());
            query.bind(database.test_now())
        });
        let rows = rows.await?;
        let Some(row) = rows.first() else { return Ok(Vec::new()) };
        let unreadable = |error| Failure::database(ACTION, error);
        let any: bool = row.try_get(0).map_err(unreadable)?;
        let (types, is_ready): (Option<Vec<String>>, bool) =
            (row.try_get(1).map_err(unreadable)?, row.try_get(2).map_err(unreadable)?);
        if !any || !is_ready {
            return Ok(Vec::new());
        }
        check_registered(&claim.subscription, types.as_deref())?;
        let claim = RegisteredClaim { claim: claim.clone(), event_types: types.unwrap_or_default() };
        self.write(ACTION, |batch, claim| Box::pin(deliveries::claim(&mut batch.transaction, claim)), claim)
            .await
    }

    async fn renew_deliveries(
        &self,
        leases: Vec<DeliveryLease>,
        lease: Duration,
    ) -> Result<Vec<DeliveryLease>, Error> {
        if leases.is_empty() {
            return Ok(leases);
        }
        self.write(
            "renew deliveries",
            |batch, input| Box::pin(deliveries::renew(&mut batch.transaction, input)),
            RenewDeliveries { leases, lease },
        )
        .await
    }

    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error> {
        if settlements.is_empty() {
            return Ok(());
        }
        self.write(
            "settle deliveries",
            |batch, input: &Vec<_>| Box::pin(deliveries::settle_all(&mut batch.transaction, input)),
            settlements,
        )
        .await
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
        let subscriber = stored(subscriber).into_owned();
        let rows = self.read("read when a delivery is due", move |database| {
            database.query(deliveries::NEXT_DUE).bind(subscriber.clone())
        });
        self.local_due(&rows.await?)
    }

    async fn dead_letters(
        &self,
        subscriber: Option<&str>,
        after: Option<&DeadLetterPlace>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Error> {
        let subscriber = subscriber.map(|subscriber| stored(subscriber).into_owned());
        let (plugin, at, run_id, sequence) = match after {
            Some(DeadLetterPlace { plugin, at, run_id, sequence }) => {
                (stored(plugin).into_owned(), *at, *run_id.as_uuid(), number(*sequence))
            }
            None => (subscriber.clone().unwrap_or_default(), DateTime::UNIX_EPOCH, Uuid::nil(), 0),
        };
        let rows = self.read("read dead letters", move |database| {
            let query = database.query(deliveries::DEAD_LETTERS).bind(subscriber.clone()).bind(number(limit));
            query.bind(plugin.clone()).bind(at).bind(run_id).bind(sequence)
        });
        Ok(rows.await?.iter().map(deliveries::dead_letter).collect::<Result<_, _>>()?)
    }

    async fn replay_dead_letters(&self, letters: &DeadLetterFilter, limit: usize) -> Result<usize, Error> {
        let letters = Requeue::DeadLetters { letters: letters.clone(), limit };
        self.requeue("replay dead letters", letters).await
    }
}

impl PostgresStore {
    async fn requeue(&self, action: &'static str, requeue: Requeue) -> Result<usize, Error> {
        self.write(
            action,
            |batch, requeue| {
                Box::pin(async move {
                    let runs = deliveries::requeue(&mut batch.transaction, requeue).await?;
                    for run_id in &runs {
                        batch.set.notifications.run_changed(*run_id);
                    }
                    Ok(runs.len())
                })
            },
            requeue,
        )
        .await
    }

    /// Reads the subscribers, each with whether it has its old events.
    async fn read_subscribers(&self) -> Result<Vec<(SubscriberRecord, bool)>, Error> {
        let rows = self.read("read the subscribers", subscribers::read).await?;
        Ok(rows.iter().map(subscribers::subscriber).collect::<Result<_, Failure>>()?)
    }

    /// Repeats a request while transactions are in its way that wait for something outside of the store.
    #[allow(clippy::disallowed_methods, reason = "the server's transactions end in real time")]
    async fn retry_while_locked<T, F>(&self, request: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        #![allow(clippy::disallowed_methods, reason = "the server's transactions end in real time")]
        let tried_until = Instant::now() + subscribers::MAX_WAIT;
        loop {
            match request().await {
                Err(error) if error.is_retryable() && Instant::now() < tried_until => {
                    // On the store's own runtime: the caller's one may have no timers.
                    let pause = self.runtime.spawn(async { tokio::time::sleep(subscribers::PAUSE).await });
                    // An error means that the store is closed, and the next request says so.
                    let _ = pause.await;
                }
                outcome => return outcome,
            }
        }
    }
}
