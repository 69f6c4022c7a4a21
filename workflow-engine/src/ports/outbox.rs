//! The outbox: committed events on their way to subscribers.
//!
//! A commit writes its events and nothing else, whatever subscribers exist. A flusher passes new events on to each
//! subscriber: it writes one delivery row for each run with events that concern the subscriber. From then on the
//! subscribers are independent, so a slow or failing one does not delay the others. The row is deleted when the
//! subscriber has received all of its events.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::delivery::{Delivery, DeliveryClaim, Settlement};
use crate::error::Error;
use crate::records::DeadLetter;

/// Claims and settles the deliveries of committed events.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Sets whether this store's commits leave their events for delivery. Without subscribers they are stored as
    /// published, so that the undelivered events do not grow without bound. Default: published.
    fn deliver_events(&self, deliver: bool);

    /// Passes new events on to all `subscriptions`, then claims deliveries of `subscriber`, the longest due first. One
    /// flusher at a time holds the delivery of a run (or of a replayed dead letter), until `claim.lease` has passed.
    ///
    /// # Errors
    /// All methods fail when the store cannot be read or written.
    async fn claim_deliveries(&self, ask: &DeliveryClaim) -> Result<Vec<Delivery>, Error>;

    /// Writes the outcomes of claimed deliveries. A delivery that another flusher has claimed in the meantime does not
    /// change.
    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error>;

    /// Returns the earliest instant at which a delivery of this subscriber is due; `None` where none is pending. An
    /// instant in the past means: now.
    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error>;

    /// Returns dead letters of one subscriber or of all: by subscriber, then by the instant at which they became dead
    /// letters; at most `limit`.
    async fn dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<Vec<DeadLetter>, Error>;

    /// Makes dead letters due again, with all their attempts, in the order of [`Outbox::dead_letters`]. Returns their
    /// number.
    async fn replay_dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<usize, Error>;
}
