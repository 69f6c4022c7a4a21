//! `outbox.flush`: delivers events to the sink and the plugins.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::subscribers::Subscriber;
use crate::ports::{Delivery, DeliveryClaim, DeliveryOutcome, Settlement};
use crate::records::Claimant;

/// Delivers committed events to the sink and to the plugins: to each subscriber independently, and in order within each
/// run. Any number of flushers may work at the same time, because each claims a run's deliveries to a subscriber.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlushOutbox {
    /// The flusher's name.
    pub worker_id: String,
    /// At most this many events to each subscriber. Default in JSON: 100.
    #[serde(default = "hundred", alias = "max_events", alias = "maxEvents")]
    pub limit: usize,
    /// Only the plugin of this name, or the `sink`; `None` for all subscribers.
    #[serde(default)]
    pub plugin: Option<String>,
}

fn hundred() -> usize {
    100
}

/// The result of the deliveries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlushOutboxOutput {
    /// The number of delivered events, counted once for each subscriber.
    pub published: usize,
    /// The number of refused events; their delivery is retried.
    pub refused: usize,
    /// The number of events that were refused for the last time and are dead letters now.
    pub given_up: usize,
}

impl FlushOutboxOutput {
    /// Returns how many deliveries were attempted.
    #[must_use]
    pub const fn offered(&self) -> usize {
        self.published + self.refused + self.given_up
    }

    fn add(&mut self, other: Self) {
        self.published += other.published;
        self.refused += other.refused;
        self.given_up += other.given_up;
    }
}

/// The number of runs in one claim: few, so that a run with slow deliveries delays few others.
const MAX_DELIVERIES: usize = 32;
/// The number of sequence numbers of one run in one claim.
const MAX_WINDOW: usize = 64;
/// The length of a lease, as a multiple of one event's timeout. No delivery starts that could outlive its lease.
const EVENTS_OF_A_LEASE: u32 = 3;

#[async_trait]
impl Command for FlushOutbox {
    type Output = FlushOutboxOutput;
    const NAME: &'static str = "outbox.flush";

    async fn execute(self, kernel: &Kernel) -> Result<FlushOutboxOutput, Error> {
        let is_requested =
            |subscriber: &&Subscriber| self.plugin.as_ref().is_none_or(|name| *name == subscriber.name);
        let subscribers = kernel.subscribers().all().iter().filter(is_requested);
        // Concurrently: a slow subscriber delays only the caller.
        let flushes = subscribers.map(|subscriber| flush(kernel, subscriber, &self));
        let mut flushed = FlushOutboxOutput::default();
        try_join_all(flushes).await?.into_iter().for_each(|part| flushed.add(part));
        Ok(flushed)
    }
}

async fn flush(
    kernel: &Kernel,
    subscriber: &Subscriber,
    command: &FlushOutbox,
) -> Result<FlushOutboxOutput, Error> {
    let mut flushed = FlushOutboxOutput::default();
    let lease = subscriber.policy.timeout.saturating_mul(EVENTS_OF_A_LEASE);
    let share = |max: usize, left: usize| left.clamp(1, max);
    while flushed.offered() < command.limit {
        let left = command.limit - flushed.offered();
        let claim = DeliveryClaim {
            subscriptions: kernel.subscribers().subscriptions().to_vec(),
            subscriber: subscriber.name.clone(),
            claim: Claimant { worker_id: command.worker_id.clone(), lease },
            deliveries: share(MAX_DELIVERIES, left),
            window: share(MAX_WINDOW, left),
        };
        let began = kernel.clock().now();
        let deliveries = kernel.store().claim_deliveries(&claim).await?;
        if deliveries.is_empty() {
            break;
        }
        // A delivery that starts before this instant ends or times out before the lease expires.
        let last_start = TimeDelta::from_std(lease.saturating_sub(subscriber.policy.timeout)).ok();
        let last_start = last_start.and_then(|time| began.checked_add_signed(time));
        let mut settlements = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let mut limits = Limits { last_start, events: command.limit, flushed: &mut flushed };
            let outcome = deliver(kernel, subscriber, &delivery, &mut limits).await;
            settlements.push(Settlement { lease: delivery.lease, outcome });
        }
        kernel.store().settle_deliveries(settlements).await?;
    }
    Ok(flushed)
}

/// The limits that end a flush early.
struct Limits<'a> {
    /// No delivery starts after this instant.
    last_start: Option<DateTime<Utc>>,
    /// No more events than this.
    events: usize,
    flushed: &'a mut FlushOutboxOutput,
}

impl Limits<'_> {
    fn are_reached(&self, now: DateTime<Utc>) -> bool {
        self.flushed.offered() >= self.events || self.last_start.is_some_and(|last| now > last)
    }
}

/// Delivers events of one run, until one is refused or a limit is reached.
async fn deliver(
    kernel: &Kernel,
    subscriber: &Subscriber,
    delivery: &Delivery,
    limits: &mut Limits<'_>,
) -> DeliveryOutcome {
    let mut attempts = delivery.attempts;
    for event in &delivery.events {
        let sequence = event.sequence;
        if limits.are_reached(kernel.clock().now()) {
            return DeliveryOutcome::Delivered { last_sequence: sequence - 1 };
        }
        let Err(error) = subscriber.deliver(event, &**kernel.clock()).await else {
            limits.flushed.published += 1;
            attempts = 0;
            continue;
        };
        // `attempts` counts the refusals of this event, also where events that the subscriber does not receive precede
        // it. A delivered event resets it.
        let policy = &subscriber.policy;
        let refusals = attempts + 1;
        let (run, subscriber) = (event.run_id, &subscriber.name);
        if policy.max_retries.is_some_and(|retries| refusals > retries) {
            tracing::error!(%run, sequence, subscriber, error, "an event was refused for the last time and is a dead letter now");
            limits.flushed.given_up += 1;
            return DeliveryOutcome::GivenUp {
                sequence,
                error,
                block_on_dead_letter: policy.block_on_dead_letter,
            };
        }
        tracing::warn!(%run, sequence, subscriber, error, "an event was refused; its delivery is retried");
        limits.flushed.refused += 1;
        return DeliveryOutcome::Refused { sequence, error, delay: policy.delay(refusals) };
    }
    DeliveryOutcome::Delivered { last_sequence: delivery.last_sequence }
}
