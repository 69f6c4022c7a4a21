//! The result of a flush.

use serde::Serialize;

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

    pub(super) fn add(&mut self, other: Self) {
        self.published += other.published;
        self.refused += other.refused;
        self.given_up += other.given_up;
    }
}
