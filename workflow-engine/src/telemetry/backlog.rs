//! What waits in the store, as it was last read.

use serde::Serialize;

/// What waits in the store: for all processes that share it. Read at most every 10 seconds, and only when asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BacklogMeasurements {
    /// The stages and runs in the queue, by state.
    pub jobs: JobCounts,
    /// How long the oldest ready entry of the queue has waited for a worker, in seconds; 0 without one.
    pub oldest_ready_seconds: f64,
    /// The runs that have had due work for a minute, and that this process cannot execute; at most 1,000.
    pub unclaimable_runs: u64,
    /// The subscribers that are registered in the store, by name.
    pub subscribers: Vec<SubscriberBacklog>,
}

/// Numbers of entries of the queue by state. Of each, the first 10,000 are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct JobCounts {
    /// Runs that wait to be started, and stages that wait for a worker.
    pub ready: u64,
    /// Stages whose next attempt is due later.
    pub scheduled: u64,
    /// Stages that a worker holds.
    pub leased: u64,
    /// Stages that wait for something outside.
    pub waiting: u64,
    /// Stages that have failed for good.
    pub dead: u64,
}

/// What a subscriber of events has not received.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SubscriberBacklog {
    /// The plugin's name, or `sink`.
    pub name: String,
    /// The events that it has still to receive: of each run, from the next one up to the last one that concerns it. The
    /// first 10,000 runs are counted.
    pub undelivered_events: u64,
    /// The events that it refused for the last time; at most 10,000 are counted.
    pub dead_letters: u64,
}

impl SubscriberBacklog {
    /// Creates the backlog of a subscriber, for a store.
    #[must_use]
    pub fn new(name: impl Into<String>, undelivered_events: u64, dead_letters: u64) -> Self {
        Self { name: name.into(), undelivered_events, dead_letters }
    }
}
