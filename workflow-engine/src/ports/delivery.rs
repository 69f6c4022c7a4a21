//! A delivery: events of one run for one subscriber.

use std::time::Duration;

use super::subscription::Subscription;
use crate::records::{Claimant, Event};
use crate::value::RunId;

/// A flusher's claim of deliveries.
#[derive(Clone, Debug)]
pub struct DeliveryClaim {
    /// The subscriber whose deliveries are claimed, with the events that the flusher can deliver to it.
    pub subscription: Subscription,
    /// The flusher, and the length of its lease.
    pub claim: Claimant,
    /// The most deliveries to claim.
    pub deliveries: usize,
    /// The most sequence numbers that one delivery covers.
    pub window: usize,
}

impl DeliveryClaim {
    /// The most commits whose events one claim passes on.
    pub const NEW_COMMITS: usize = 1_000;
}

/// Events of one run for one subscriber, claimed by one flusher.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// The lease that allows to settle the delivery.
    pub lease: DeliveryLease,
    /// The events that concern the subscriber, in order.
    pub events: Vec<Event>,
    /// The last sequence number that the claim covers.
    pub last_sequence: u64,
    /// The number of times that the event at `lease.next` was refused.
    pub attempts: u32,
}

/// The lease on one delivery.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryLease {
    /// The subscriber.
    pub subscriber: String,
    /// The run.
    pub run_id: RunId,
    /// 0 for the run's stream of events; the event's sequence number for a dead letter that left the stream.
    pub letter: u64,
    /// The epoch to which the claim raised the delivery.
    pub epoch: u64,
    /// The next event at the time of the claim.
    pub next: u64,
}

/// The outcome of one claimed delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The lease of the delivery.
    pub lease: DeliveryLease,
    /// The outcome.
    pub outcome: DeliveryOutcome,
}

/// The outcome of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// Everything up to this sequence number is delivered or does not concern the subscriber; nothing is, where the
    /// flusher did not reach the delivery. The remaining events are due now.
    Delivered {
        /// The last delivered sequence number.
        last_sequence: u64,
    },
    /// Everything before this event is delivered. The subscriber refused the event; it is offered again.
    Refused {
        /// The sequence number of the event.
        sequence: u64,
        /// The reason.
        error: String,
        /// The time until the next attempt.
        delay: Duration,
    },
    /// Everything before this event is delivered. The event becomes a dead letter.
    GivenUp {
        /// The sequence number of the event.
        sequence: u64,
        /// The reason of the last refusal.
        error: String,
        /// Whether the later events of the run wait until the dead letter is replayed.
        block_on_dead_letter: bool,
    },
}
