//! The events of one commit in the columns of one row.
//!
//! The types and the payloads have a column each, both a JSON array with an element for each event. So a statement finds
//! the events of a type without a look into payloads, which may hold what the JSON functions of a database refuse.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use crate::records::{Event, EventKind};
use crate::value::RunId;

/// The columns `event_types` and `events` of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EventColumns {
    pub(super) types: String,
    pub(super) payloads: String,
}

/// A row of a commit as it is read.
#[derive(Debug)]
pub(super) struct StoredCommit<T> {
    pub(super) run_id: RunId,
    /// The number of its first event.
    pub(super) sequence: u64,
    pub(super) at: DateTime<Utc>,
    pub(super) causation_id: T,
    pub(super) types: T,
    pub(super) payloads: T,
}

impl EventColumns {
    /// Writes events as columns.
    pub(super) fn new(events: &[EventKind]) -> Result<Self, serde_json::Error> {
        let mut types = String::with_capacity(24 * events.len());
        let mut payloads = Vec::with_capacity(128 * events.len());
        for (at, kind) in events.iter().enumerate() {
            types.push_str(if at == 0 { "[\"" } else { "\",\"" });
            types.push_str(kind.name());
            payloads.push(if at == 0 { b'[' } else { b',' });
            kind.write_payload(&mut payloads)?;
        }
        types.push_str("\"]");
        payloads.push(b']');
        let payloads = String::from_utf8(payloads).map_err(serde::ser::Error::custom)?;
        Ok(Self { types, payloads })
    }
}

impl<T: AsRef<str>> StoredCommit<T> {
    /// Reads the events that are selected by their number and the name of their type.
    pub(super) fn events(
        &self,
        is_selected: impl Fn(u64, &str) -> bool,
    ) -> Result<Vec<Event>, serde_json::Error> {
        let types: Vec<Cow<'_, str>> = serde_json::from_str(self.types.as_ref())?;
        let payloads: Vec<&RawValue> = serde_json::from_str(self.payloads.as_ref())?;
        if types.len() != payloads.len() {
            return Err(serde::de::Error::custom("it has another number of payloads than of types"));
        }
        let events = (self.sequence..).zip(types.iter().zip(payloads));
        let selected = events.filter(|(sequence, (name, _))| is_selected(*sequence, name));
        let event = |(sequence, (name, payload)): (u64, (&Cow<'_, str>, &RawValue))| {
            Ok(Event {
                run_id: self.run_id,
                sequence,
                at: self.at,
                causation_id: self.causation_id.as_ref().to_owned(),
                kind: EventKind::from_stored(name, payload.get())?,
            })
        };
        selected.map(event).collect()
    }
}

#[cfg(test)]
#[path = "event_columns_tests.rs"]
mod tests;
