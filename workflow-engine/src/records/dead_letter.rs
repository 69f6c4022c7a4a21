//! An event that a plugin has refused for good.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::Event;
use crate::error::Error;
use crate::value::RunId;

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

impl DeadLetter {
    /// Returns the letter's place in a list of dead letters.
    #[must_use]
    pub fn place(&self) -> DeadLetterPlace {
        let DeadLetter { plugin, event, at, .. } = self;
        DeadLetterPlace { plugin: plugin.clone(), at: *at, run_id: event.run_id, sequence: event.sequence }
    }
}

/// A place in a list of dead letters, which are sorted by these fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeadLetterPlace {
    /// The plugin.
    pub plugin: String,
    /// The instant at which the event became a dead letter.
    pub at: DateTime<Utc>,
    /// The run of the event.
    pub run_id: RunId,
    /// The sequence number of the event.
    pub sequence: u64,
}

impl Display for DeadLetterPlace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { plugin, at, run_id, sequence } = self;
        // The name comes last, because it may contain a full stop.
        write!(f, "{}.{run_id}.{sequence}.{plugin}", at.timestamp_micros())
    }
}

impl FromStr for DeadLetterPlace {
    type Err = Error;

    /// Reads what `Display` has written.
    fn from_str(text: &str) -> Result<Self, Error> {
        let read = || {
            let mut parts = text.splitn(4, '.');
            let at = DateTime::from_timestamp_micros(parts.next()?.parse().ok()?)?;
            let (run_id, sequence) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            Some(Self { plugin: parts.next()?.to_owned(), at, run_id, sequence })
        };
        read().ok_or_else(|| {
            Error::invalid_request(format!("`{text}` is not a place in a list of dead letters"))
        })
    }
}
