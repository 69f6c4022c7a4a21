//! What waits in the store, as it was last read.

use serde::Serialize;

/// What waits in the store: for all processes that share it. Read at most every 10 seconds, and only when asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BacklogMeasurements {
    /// The unfinished runs of each definition in the store, all versions of a workflow together.
    pub runs: Vec<UnfinishedRuns>,
    /// What the queue holds; of each kind, the first 10,000 entries are counted.
    pub jobs: QueuedJobs,
    /// How long the work has been ready that waits for a worker the longest, in seconds; 0 without any.
    pub oldest_ready_seconds: f64,
    /// The runs that have had due work for a minute, and that this process cannot execute; at most 1,000.
    pub unclaimable_runs: u64,
    /// The subscribers that are registered in the store, by name.
    pub subscribers: Vec<SubscriberBacklog>,
}

/// Numbers of entries of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct QueuedJobs {
    /// Runs that wait for a worker to start them, and stages that wait for one to run them.
    pub ready: u64,
    /// Stages whose next attempt is due later; also those that wait for their budget.
    pub scheduled: u64,
    /// Stages that a worker holds.
    pub leased: u64,
    /// Stages that wait for something outside.
    pub waiting: u64,
    /// Stages that have failed, and their runs with them.
    pub dead: u64,
}

/// The unfinished runs of a workflow; at most 10,000 are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct UnfinishedRuns {
    /// The workflow's id.
    pub workflow_id: String,
    /// The runs that have not started.
    pub pending: u64,
    /// The runs that have started and not ended.
    pub running: u64,
}

impl UnfinishedRuns {
    pub(crate) const fn new(workflow_id: String, pending: u64, running: u64) -> Self {
        Self { workflow_id, pending, running }
    }
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
