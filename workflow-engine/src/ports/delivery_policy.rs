//! The policy of deliveries to a subscriber.

use std::time::Duration;

use super::subscription::DeliveryStart;

/// The policy of deliveries to a subscriber: how many at the same time, and what becomes of events that it refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryPolicy {
    /// The number of retries before a refused event becomes a dead letter; `None` for no limit. Default 3.
    pub max_retries: Option<u32>,
    /// The delay before the first retry; each later delay is twice as long. Default 1 s.
    pub first_delay: Duration,
    /// The upper bound of the delay. Default 5 min.
    pub longest_delay: Duration,
    /// The time within which the subscriber must handle an event, or a batch; afterwards it counts as refused. More than
    /// zero. Default 10 s.
    pub timeout: Duration,
    /// Whether a dead letter blocks the later events of its run until it is replayed, which keeps their order. Default
    /// yes.
    pub block_on_dead_letter: bool,
    /// The most calls of the subscriber at the same time in one process. The events of one run are always delivered one
    /// after another. At least 1, which also delivers different runs one after another. Default 16.
    pub concurrency: usize,
    /// The most events in one call. At least 1; with more than 1, the engine calls
    /// [`Plugin::handle_batch`](super::Plugin::handle_batch) or
    /// [`EventSink::deliver_batch`](super::EventSink::deliver_batch). Default 1.
    pub max_batch: usize,
    /// The events with which the subscriber begins when it is new to the store. Default: those that are committed from
    /// then on.
    pub start: DeliveryStart,
}

impl DeliveryPolicy {
    /// Returns the default policy of a sink: the default one, but without a limit of retries, so without dead letters.
    #[must_use]
    pub fn of_sink() -> Self {
        Self { max_retries: None, ..Self::default() }
    }

    /// Returns the delay before the retry that follows this number of refusals (at least 1).
    #[must_use]
    pub fn delay(&self, refusals: u32) -> Duration {
        let doubled = 1_u32.checked_shl(refusals.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_delay.saturating_mul(doubled).min(self.longest_delay)
    }
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self {
            max_retries: Some(3),
            first_delay: Duration::from_secs(1),
            longest_delay: Duration::from_secs(300),
            timeout: Duration::from_secs(10),
            block_on_dead_letter: true,
            concurrency: 16,
            max_batch: 1,
            start: DeliveryStart::Now,
        }
    }
}

#[cfg(test)]
#[path = "delivery_policy_tests.rs"]
mod tests;
