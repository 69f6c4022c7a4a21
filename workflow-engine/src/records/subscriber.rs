//! A subscriber of events, as the store knows it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A subscriber of events. Every process that commits to the store keeps its events for it, until the subscriber is
/// removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriberRecord {
    /// The plugin's name, or `sink`.
    pub name: String,
    /// The stored names of the events that it receives, sorted.
    pub event_types: Vec<String>,
    /// The instant of its registration.
    pub created_at: DateTime<Utc>,
}
