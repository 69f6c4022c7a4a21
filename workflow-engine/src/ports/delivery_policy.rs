//! The policy for events that a subscriber refuses.

use std::time::Duration;

/// The policy for events that a subscriber refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryPolicy {
    /// The number of retries before a refused event becomes a dead letter; `None` for no limit. Default 3.
    pub max_retries: Option<u32>,
    /// The delay before the first retry; each later delay is twice as long. Default 1 s.
    pub first_delay: Duration,
    /// The upper bound of the delay. Default 5 min.
    pub longest_delay: Duration,
    /// The time within which the subscriber must handle an event; afterwards the event counts as refused. Default 10 s.
    pub timeout: Duration,
    /// Whether a dead letter blocks the later events of its run until it is replayed, which keeps their order. Default
    /// yes.
    pub block_on_dead_letter: bool,
}

impl DeliveryPolicy {
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
        }
    }
}

#[cfg(test)]
#[path = "delivery_policy_tests.rs"]
mod tests;
