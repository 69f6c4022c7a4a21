//! The outbox: committed events on their way to subscribers.
//!
//! Subscribers are a property of the store, not of a process: each is registered under its name, with the types of
//! events that it receives, until it is removed. So the events of every process reach it, also those of a process that
//! was started before it or does not have it.
//!
//! A commit writes its events and nothing else, independently of the subscribers. It only marks them: *published* if the store
//! has no subscriber, and so nothing is left to do for them, *unpublished* otherwise. A flusher passes unpublished events
//! on to each registered subscriber: it writes one delivery row for each run with events that concern the subscriber.
//! From then on the subscribers are independent, so a slow or failing one does not delay the others. The row is deleted
//! when the subscriber has received all of its events.
//!
//! No event may be missed because its commit, or its flusher, does not know a new subscriber yet. So neither trusts what
//! its process knows:
//!
//! - The statement that writes a commit's events also reads whether there is a subscriber. This reads an
//!   empty or tiny table, and costs no further statement or row.
//! - The statement that passes events on also reads the subscribers.
//! - A registration, and a removal, excludes both for its moment. On SQLite and in memory it is a write transaction like
//!   the others. On PostgreSQL it locks the table of subscribers against readers, so it begins after each transaction
//!   that has read the table without the new row has ended, and each later one reads the new row.
//!
//! So every event whose commit begins after the registration has returned is passed on to the subscriber.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::dead_letter_filter::DeadLetterFilter;
use super::delivery::{Delivery, DeliveryClaim, DeliveryLease, Settlement};
use super::subscription::{DeliveryStart, Registration, Subscription};
use crate::error::Error;
use crate::records::{DeadLetter, DeadLetterPlace, SubscriberRecord};
use crate::telemetry::SubscriberBacklog;

/// Registers subscribers, and claims and settles the deliveries of committed events.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Registers a subscriber, or changes the types of events that it receives. `start` counts only if it is new. Types
    /// that are added begin now.
    ///
    /// # Errors
    /// All methods fail when the store cannot be read or written.
    async fn register_subscriber(
        &self,
        subscription: &Subscription,
        start: DeliveryStart,
    ) -> Result<Registration, Error>;

    /// Removes a subscriber with its deliveries and dead letters. Returns whether it was registered. After the last one,
    /// no event waits to be passed on.
    async fn remove_subscriber(&self, name: &str) -> Result<bool, Error>;

    /// Returns the registered subscribers, by name.
    async fn subscribers(&self) -> Result<Vec<SubscriberRecord>, Error>;

    /// Returns what each registered subscriber has still to receive, and what it has refused, by name. Of each subscriber,
    /// at most 10,000 deliveries of either kind are counted.
    async fn subscriber_backlogs(&self) -> Result<Vec<SubscriberBacklog>, Error>;

    /// Passes new events on to all subscribers, then claims deliveries of one of them, the longest due first. One
    /// flusher at a time holds the delivery of a run (or of a replayed dead letter), until `claim.lease` has passed.
    ///
    /// # Errors
    /// `SUBSCRIPTION_OUTDATED` if there is anything to deliver while the subscriber is not registered, or is registered
    /// for a type of events that the claim lacks: the flusher would skip those events.
    async fn claim_deliveries(&self, claim: &DeliveryClaim) -> Result<Vec<Delivery>, Error>;

    /// Extends the leases that are still held to `lease` from now, and returns the lost ones.
    async fn renew_deliveries(
        &self,
        leases: Vec<DeliveryLease>,
        lease: Duration,
    ) -> Result<Vec<DeliveryLease>, Error>;

    /// Writes the outcomes of claimed deliveries. A delivery that another flusher has claimed in the meantime does not
    /// change.
    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error>;

    /// Makes the refused deliveries of this subscriber due now, and returns their number. Dead letters stay.
    async fn expedite_deliveries(&self, subscriber: &str) -> Result<usize, Error>;

    /// Makes the deliveries due now that these workers hold, and returns their number.
    async fn release_deliveries(&self, dead_workers: &[String]) -> Result<usize, Error>;

    /// Returns the earliest instant at which a delivery of this subscriber is due; `None` where none is pending. An
    /// instant in the past means: now.
    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error>;

    /// Returns dead letters of one subscriber or of all: by subscriber, then by the instant at which they became dead
    /// letters; at most `limit`, and only those after a place.
    async fn dead_letters(
        &self,
        subscriber: Option<&str>,
        after: Option<&DeadLetterPlace>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Error>;

    /// Makes these dead letters due again, with all their attempts, in the order of [`Outbox::dead_letters`]. Returns
    /// their number.
    async fn replay_dead_letters(&self, letters: &DeadLetterFilter, limit: usize) -> Result<usize, Error>;
}
