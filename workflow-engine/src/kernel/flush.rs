//! `outbox.flush`: delivers events to the sink and the plugins.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use super::subscribers::Subscriber;
use crate::error::Error;
use crate::ports::{Delivery, DeliveryClaim, DeliveryOutcome, Settlement};
use crate::records::Claimant;

/// Delivers committed events to the sink and to the plugins, to each by itself and in order within each run. Any
/// number of flushers may work at the same time: each run is delivered to each subscriber by one of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlushOutbox {
    /// Who flushes.
    pub worker_id: String,
    /// At most this many events to each of them. 100 is usual.
    #[serde(default = "hundred", alias = "max_events", alias = "maxEvents")]
    pub limit: usize,
    /// Only to the plugin of this name, or to the `sink`; `None` for everybody.
    #[serde(default)]
    pub plugin: Option<String>,
}

fn hundred() -> usize {
    100
}

/// What was delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlushOutboxOutput {
    /// Events that were taken, counted once for each who took it.
    pub published: usize,
    /// Events that were refused; they are offered again.
    pub refused: usize,
    /// Events that were refused for the last time: dead letters now.
    pub given_up: usize,
}

impl FlushOutboxOutput {
    /// How many events were offered.
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

/// Runs of one claim: few, so that one whose events take long delays few others.
const MAX_DELIVERIES: usize = 32;
/// Sequence numbers of one run in one claim.
const MAX_WINDOW: usize = 64;
/// A lease is so many times as long as one event may take; nothing is begun that might outlive it.
const EVENTS_OF_A_LEASE: u32 = 3;

#[async_trait]
impl Command for FlushOutbox {
    type Output = FlushOutboxOutput;
    const NAME: &'static str = "outbox.flush";

    async fn execute(self, kernel: &Kernel) -> Result<FlushOutboxOutput, Error> {
        let asked_for =
            |subscriber: &&Subscriber| self.plugin.as_ref().is_none_or(|name| *name == subscriber.name);
        let subscribers = kernel.subscribers().all().iter().filter(asked_for);
        // Side by side: one that is slow keeps nobody waiting but the caller.
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
    let share = |most: usize, left: usize| left.clamp(1, most);
    while flushed.offered() < command.limit {
        let left = command.limit - flushed.offered();
        let ask = DeliveryClaim {
            subscriptions: kernel.subscribers().subscriptions().to_vec(),
            subscriber: subscriber.name.clone(),
            claim: Claimant { worker_id: command.worker_id.clone(), lease },
            deliveries: share(MAX_DELIVERIES, left),
            window: share(MAX_WINDOW, left),
        };
        let began = kernel.clock().now();
        let deliveries = kernel.store().claim_deliveries(&ask).await?;
        if deliveries.is_empty() {
            break;
        }
        // An event that begins before this instant is over, or timed out, before the lease is.
        let last_begin = TimeDelta::from_std(lease.saturating_sub(subscriber.policy.timeout)).ok();
        let last_begin = last_begin.and_then(|time| began.checked_add_signed(time));
        let mut settlements = Vec::with_capacity(deliveries.len());
        for delivery in deliveries {
            let mut limits = Limits { last_begin, events: command.limit, flushed: &mut flushed };
            let outcome = deliver(kernel, subscriber, &delivery, &mut limits).await;
            settlements.push(Settlement { lease: delivery.lease, outcome });
        }
        kernel.store().settle_deliveries(settlements).await?;
    }
    Ok(flushed)
}

/// What ends a flush early.
struct Limits<'a> {
    /// No event begins after this instant.
    last_begin: Option<DateTime<Utc>>,
    /// No more events than this.
    events: usize,
    flushed: &'a mut FlushOutboxOutput,
}

impl Limits<'_> {
    fn are_reached(&self, now: DateTime<Utc>) -> bool {
        self.flushed.offered() >= self.events || self.last_begin.is_some_and(|last| now > last)
    }
}

/// Delivers events of one run, until one is refused or a limit is reached.
async fn deliver(
    kernel: &Kernel,
    subscriber: &Subscriber,
    delivery: &Delivery,
    limits: &mut Limits<'_>,
) -> DeliveryOutcome {
    let mut tries = delivery.attempts;
    for event in &delivery.events {
        let sequence = event.sequence;
        if limits.are_reached(kernel.clock().now()) {
            return DeliveryOutcome::Delivered { last_sequence: sequence - 1 };
        }
        let Err(error) = subscriber.deliver(event, &**kernel.clock()).await else {
            limits.flushed.published += 1;
            tries = 0;
            continue;
        };
        // Events between two that concern the subscriber do not change that the first one was refused before.
        let policy = &subscriber.policy;
        let refusals = tries + 1;
        let (run, subscriber) = (event.run_id, &subscriber.name);
        if policy.max_retries.is_some_and(|retries| refusals > retries) {
            tracing::error!(%run, sequence, subscriber, error, "an event is given up: it is a dead letter");
            limits.flushed.given_up += 1;
            return DeliveryOutcome::GivenUp {
                sequence,
                error,
                block_on_dead_letter: policy.block_on_dead_letter,
            };
        }
        tracing::warn!(%run, sequence, subscriber, error, "an event was refused");
        limits.flushed.refused += 1;
        return DeliveryOutcome::Refused { sequence, error, delay: policy.delay(refusals) };
    }
    DeliveryOutcome::Delivered { last_sequence: delivery.last_sequence }
}
