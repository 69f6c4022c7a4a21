//! The calls of a subscriber for some claimed deliveries, one after another.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::flush_output::FlushOutboxOutput;
use super::subscribers::{Refusal, Subscriber};
use crate::ports::{Clock, Delivery, DeliveryOutcome, Settlement};
use crate::records::Event;

/// The number of events that a flush may still deliver.
pub(super) struct Budget(AtomicUsize);

impl Budget {
    pub(super) const fn new(events: usize) -> Self {
        Self(AtomicUsize::new(events))
    }

    pub(super) fn left(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Takes up to `wanted` events, and returns how many.
    fn take(&self, wanted: usize) -> usize {
        let take = |left: usize| Some(left - wanted.min(left));
        let before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        before.map_or(0, |before| wanted.min(before))
    }

    fn put_back(&self, events: usize) {
        self.0.fetch_add(events, Ordering::Relaxed);
    }
}

/// The hold on a claimed delivery, as far as this process knows: the lease, from its last renewal that the store has
/// confirmed. It counts in [`Clock::monotonic`], because the clock may be set meanwhile.
pub(super) struct Hold {
    until: Mutex<Duration>,
    is_lost: AtomicBool,
}

impl Hold {
    pub(super) fn until(began: Duration, lease: Duration) -> Self {
        Self { until: Mutex::new(began.saturating_add(lease)), is_lost: AtomicBool::new(false) }
    }

    pub(super) fn extend(&self, began: Duration, lease: Duration) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = began.saturating_add(lease);
    }

    pub(super) fn lose(&self) {
        self.is_lost.store(true, Ordering::Relaxed);
    }

    pub(super) fn lasts(&self, now: Duration) -> bool {
        !self.is_lost.load(Ordering::Relaxed)
            && now < *self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Deliveries whose events are delivered one call after another.
pub(super) struct DeliveryTask {
    pub(super) subscriber: Arc<Subscriber>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) budget: Arc<Budget>,
    /// The holds on the deliveries.
    pub(super) holds: Vec<Arc<Hold>>,
    pub(super) deliveries: Vec<Delivery>,
}

/// The results of a task.
pub(super) struct Finished {
    /// One for each delivery.
    pub(super) settlements: Vec<Settlement>,
    pub(super) flushed: FlushOutboxOutput,
    /// Whether the subscriber accepts events again, after it has refused everything.
    pub(super) recovers: bool,
}

/// How far a task came.
#[derive(Default)]
struct Progress {
    /// The number of handled events, over all deliveries.
    handled: usize,
    /// The reason for which the next event was refused.
    refusal: Option<String>,
}

/// Divides deliveries into tasks: each has the events of one call where they fit, and of several calls where one delivery
/// has more. All deliveries of a run (its stream, and replayed dead letters) are in one task.
pub(super) fn in_batches(deliveries: Vec<Delivery>, max_batch: usize) -> Vec<Vec<Delivery>> {
    let mut batches: Vec<(usize, Vec<Delivery>)> = Vec::new();
    let mut batch_of_run = HashMap::new();
    for delivery in deliveries {
        let (events, run_id) = (delivery.events.len(), delivery.lease.run_id);
        let fits = |(total, _): &(usize, _)| total + events <= max_batch;
        let batch = match batch_of_run.get(&run_id) {
            Some(batch) => *batch,
            None if batches.last().is_some_and(fits) => batches.len() - 1,
            None => batches.len(),
        };
        batch_of_run.insert(run_id, batch);
        match batches.get_mut(batch) {
            Some((total, batch)) => {
                *total += events;
                batch.push(delivery);
            }
            None => batches.push((events, vec![delivery])),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

impl DeliveryTask {
    /// Delivers the events in order, until one is refused, the budget is used up, or a lease no longer holds.
    pub(super) async fn run(self) -> Finished {
        let events: Vec<Event> =
            self.deliveries.iter().flat_map(|delivery| &delivery.events).cloned().collect();
        let progress = self.deliver(&events).await;
        self.finish(&progress)
    }

    async fn deliver(&self, events: &[Event]) -> Progress {
        let mut progress = Progress::default();
        while progress.handled < events.len() && progress.refusal.is_none() {
            let rest = &events[progress.handled..];
            let taken = self.budget.take(rest.len().min(self.subscriber.policy.max_batch));
            if taken == 0 || !self.holds.iter().all(|hold| hold.lasts(self.clock.monotonic())) {
                self.budget.put_back(taken);
                break;
            }
            let called = self.call(&rest[..taken]).await;
            progress.handled += called.handled;
            // A refused event counts as delivered, too.
            let used = called.handled + usize::from(called.refusal.is_some());
            self.budget.put_back(taken.saturating_sub(used));
            progress.refusal = called.refusal;
        }
        progress
    }

    /// Calls the subscriber with these events. Those that it refuses as a whole are offered again one by one, which finds
    /// the event at which it fails.
    async fn call(&self, events: &[Event]) -> Progress {
        let clock = &*self.clock;
        let Err(Refusal { handled, error }) = self.subscriber.deliver(events, clock).await else {
            return Progress { handled: events.len(), refusal: None };
        };
        if let Some(handled) = handled {
            return Progress { handled, refusal: Some(error) };
        }
        for (handled, event) in events.iter().enumerate() {
            if let Err(Refusal { error, .. }) =
                self.subscriber.deliver(std::slice::from_ref(event), clock).await
            {
                return Progress { handled, refusal: Some(error) };
            }
        }
        Progress { handled: events.len(), refusal: None }
    }

    /// Returns the outcome of each delivery.
    fn finish(self, progress: &Progress) -> Finished {
        let mut finished =
            Finished { settlements: Vec::new(), flushed: FlushOutboxOutput::default(), recovers: false };
        finished.flushed.published = progress.handled;
        let mut first = 0;
        let deliveries = self.deliveries.iter().map(|delivery| {
            let begin = first;
            first += delivery.events.len();
            (begin, delivery)
        });
        for (begin, delivery) in deliveries.collect::<Vec<_>>() {
            let handled = progress.handled.saturating_sub(begin).min(delivery.events.len());
            if handled > 0 {
                finished.recovers |= self.subscriber.recovery().accepted(delivery.attempts);
            }
            let outcome = match (delivery.events.get(handled), &progress.refusal) {
                (None, _) => DeliveryOutcome::Delivered { last_sequence: delivery.last_sequence },
                (Some(event), Some(error)) if begin + handled == progress.handled => {
                    // `attempts` counts the refusals of the first event, also where events that the subscriber does not
                    // receive precede it.
                    let attempts = if handled == 0 { delivery.attempts } else { 0 };
                    self.subscriber.recovery().refused(event.run_id, attempts);
                    self.refused(event, attempts, error.clone(), &mut finished.flushed)
                }
                (Some(event), _) => DeliveryOutcome::Delivered { last_sequence: event.sequence - 1 },
            };
            finished.settlements.push(Settlement { lease: delivery.lease.clone(), outcome });
        }
        finished
    }

    fn refused(
        &self,
        event: &Event,
        attempts: u32,
        error: String,
        flushed: &mut FlushOutboxOutput,
    ) -> DeliveryOutcome {
        let (policy, subscriber) = (&self.subscriber.policy, self.subscriber.name());
        let (run, sequence, refusals) = (event.run_id, event.sequence, attempts + 1);
        if policy.max_retries.is_some_and(|retries| refusals > retries) {
            tracing::error!(%run, sequence, subscriber, error, "an event was refused for the last time and is a dead letter now");
            flushed.given_up += 1;
            let block_on_dead_letter = policy.block_on_dead_letter;
            return DeliveryOutcome::GivenUp { sequence, error, block_on_dead_letter };
        }
        tracing::warn!(%run, sequence, subscriber, error, "an event was refused; its delivery is retried");
        flushed.refused += 1;
        DeliveryOutcome::Refused { sequence, error, delay: policy.delay(refusals) }
    }
}
