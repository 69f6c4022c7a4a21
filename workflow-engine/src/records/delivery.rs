//! The pending events of one run for one subscriber.

use chrono::{DateTime, Utc};

use crate::value::RunId;

/// The pending events of one run for one subscriber, as they are stored. The row is deleted when the subscriber has
/// received all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// The subscriber.
    pub subscriber: String,
    /// The run.
    pub run_id: RunId,
    /// 0 for the run's stream of events; the event's sequence number for a dead letter that left the stream, which
    /// continues without it.
    pub letter: u64,
    /// The sequence number of the next event to deliver.
    pub next: u64,
    /// The sequence number of the last event that concerns the subscriber.
    pub last: u64,
    /// The fence. Each claim raises it, and every write of a flusher is conditional on it and on `next`.
    pub epoch: u64,
    /// The number of times that the next event was refused.
    pub attempts: u32,
    /// The flusher that holds it; `None` while none does.
    pub worker_id: Option<String>,
    /// The instant before which it is not claimed: the end of a flusher's lease, or of the backoff.
    pub due_at: DateTime<Utc>,
    /// The reason of the next event's last refusal.
    pub error: Option<String>,
    /// The instant at which the next event became a dead letter.
    pub dead_at: Option<DateTime<Utc>>,
}
