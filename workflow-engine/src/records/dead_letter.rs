//! An event that a plugin has refused for good.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::Event;

/// An event that a plugin has refused in every attempt. It stays until it is replayed or its run is purged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeadLetter {
    /// The plugin's name.
    pub plugin: String,
    /// The event.
    pub event: Event,
    /// The reason of the last refusal.
    pub error: String,
    /// The number of refusals.
    pub attempts: u32,
    /// The instant at which the event became a dead letter.
    pub at: DateTime<Utc>,
}
