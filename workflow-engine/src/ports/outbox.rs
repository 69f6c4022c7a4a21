//! The outbox: events on their way to those who want to hear of them.
//!
//! A commit writes its events and nothing else, whoever listens. A flusher hands what is new to each subscriber: a
//! row for each run with events that concern it. From then on each subscriber goes on by itself, so one that is slow,
//! or refuses, delays nobody; and the row is deleted when it has heard everything.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::records::{Claimant, DeadLetter, Event};
use crate::value::RunId;

/// Events that were committed and not yet delivered.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Whether somebody will deliver events. Where nobody does, they are stored as handed over, so that what waits for
    /// delivery does not grow for ever. Default: nobody.
    fn deliver_events(&self, deliver: bool);

    /// Hands new events to all `subscriptions`; then claims what `subscriber` has to be told, the longest due first:
    /// each run (and each replayed dead letter) by itself, and by one flusher at a time, until `claim.lease` has passed.
    ///
    /// # Errors
    /// When the store cannot be written, here and below.
    async fn claim_deliveries(&self, ask: &DeliveryClaim) -> Result<Vec<Delivery>, Error>;

    /// Notes what became of claimed deliveries. Those that somebody else has claimed meanwhile are left alone.
    async fn settle_deliveries(&self, settlements: Vec<Settlement>) -> Result<(), Error>;

    /// The earliest instant at which this subscriber has to be told something; `None` where nothing waits. An instant
    /// that has passed means: now.
    async fn next_delivery_due(&self, subscriber: &str) -> Result<Option<DateTime<Utc>>, Error>;

    /// Events that were given up, of one subscriber or of all, by subscriber, then by the instant at which they were
    /// given up; at most `limit`.
    async fn dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<Vec<DeadLetter>, Error>;

    /// Offers dead letters again, in the order of [`Outbox::dead_letters`], with all their tries; answers how many.
    async fn replay_dead_letters(&self, subscriber: Option<&str>, limit: usize) -> Result<usize, Error>;
}

/// Who wants to hear of which events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The subscriber.
    pub subscriber: String,
    /// The stored names of the events that concern it.
    pub event_types: Vec<&'static str>,
}

/// What a flusher asks for.
#[derive(Clone, Debug)]
pub struct DeliveryClaim {
    /// Everybody, since what is new is handed to everybody at once.
    pub subscriptions: Vec<Subscription>,
    /// Of these, the one whose deliveries are claimed.
    pub subscriber: String,
    /// Who flushes, and for how long.
    pub claim: Claimant,
    /// At most this many deliveries.
    pub deliveries: usize,
    /// Of each at most this many sequence numbers.
    pub window: usize,
}

impl DeliveryClaim {
    /// New events that are handed over at once.
    pub const NEW_EVENTS: usize = 1_000;

    /// The stored names of the events that concern the subscriber.
    #[must_use]
    pub fn event_types(&self) -> &[&'static str] {
        let own = self.subscriptions.iter().find(|subscription| subscription.subscriber == self.subscriber);
        own.map_or(&[], |own| &own.event_types)
    }
}

/// Events of one run for one subscriber, claimed by one flusher.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The right to settle it.
    pub lease: DeliveryLease,
    /// The events that concern the subscriber, in order.
    pub events: Vec<Event>,
    /// The last sequence number that was looked at.
    pub last_sequence: u64,
    /// How often the event at `lease.next` was refused.
    pub attempts: u32,
}

/// The right to settle one delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryLease {
    /// The subscriber.
    pub subscriber: String,
    /// The run.
    pub run_id: RunId,
    /// 0 for the run's stream, the event's sequence number for one that is delivered alone.
    pub letter: u64,
    /// The epoch that the claim raised it to.
    pub epoch: u64,
    /// The next event at the claim.
    pub next: u64,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Which.
    pub lease: DeliveryLease,
    /// What became of it.
    pub outcome: DeliveryOutcome,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Everything up to this sequence number is delivered, or does not concern the subscriber; nothing of it where the
    /// flusher did not come to it. What is left is due now.
    Delivered {
        /// The last one.
        last_sequence: u64,
    },
    /// Everything before this event is delivered; the event itself was refused, and is offered again.
    Refused {
        /// The event.
        sequence: u64,
        /// Why.
        error: String,
        /// After this time.
        delay: Duration,
    },
    /// Everything before this event is delivered; the event itself is given up.
    GivenUp {
        /// The event.
        sequence: u64,
        /// Why.
        error: String,
        /// Whether the later events of the run wait until it is replayed.
        block_on_dead_letter: bool,
    },
}
