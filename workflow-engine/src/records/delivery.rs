//! What one subscriber has still to be told of one run.

use chrono::{DateTime, Utc};

use super::event::Event;
use crate::value::RunId;

/// Events of one run that a subscriber has still to be told of, as it is stored. A subscriber that has heard
/// everything has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// The subscriber.
    pub subscriber: String,
    /// The run.
    pub run_id: RunId,
    /// 0 for the run's stream of events; the event's sequence number where it was given up alone, and the stream went
    /// on without it.
    pub letter: u64,
    /// The next event to be delivered.
    pub next: u64,
    /// The last event that is known to concern the subscriber.
    pub last: u64,
    /// Raised by each claim: what a flusher writes is conditional on it, and on `next`.
    pub epoch: u64,
    /// How often the next event was refused.
    pub attempts: u32,
    /// Not offered before this instant: the end of a flusher's lease, or of the backoff.
    pub due_at: DateTime<Utc>,
    /// Why the next event was refused the last time.
    pub error: Option<String>,
    /// When the next event was given up: a dead letter.
    pub dead_at: Option<DateTime<Utc>>,
}

/// An event that a subscriber has refused until it was given up.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The plugin's name.
    pub plugin: String,
    /// The event.
    pub event: Event,
    /// Why it was refused the last time.
    pub error: String,
    /// How often it was refused.
    pub attempts: u32,
    /// When it was given up.
    pub at: DateTime<Utc>,
}
