//! The entries of a run: how its stages without rows differ from the outline.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::value::{Place, StageKey};

/// What has changed of a stage that has no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stores) struct Entry {
    pub(in crate::stores) stage_key: StageKey,
    pub(in crate::stores) state: EntryState,
}

/// The state of such a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stores) enum EntryState {
    /// It waits for fewer predecessors than at the beginning.
    Waiting { remaining: u32 },
    /// The owner of the run runs it: the first attempt, under the first lease.
    Held(HeldLease),
}

/// A lease of the run's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::stores) struct HeldLease {
    /// The instant of the commit that has made the stage ready and claimed it.
    pub(in crate::stores) since: DateTime<Utc>,
    /// Whole microseconds.
    pub(in crate::stores) length: TimeDelta,
    pub(in crate::stores) max_attempts: u32,
    pub(in crate::stores) max_crashes: u32,
}

impl HeldLease {
    /// Returns the end of the lease.
    pub(in crate::stores) fn until(&self) -> DateTime<Utc> {
        self.since.checked_add_signed(self.length).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// Writes `["id",remaining]` for a stage that waits, and `["id",since,length,max_attempts,max_crashes]` for one that is
/// held, in microseconds.
impl Serialize for Entry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let id = &self.stage_key.id;
        match &self.state {
            EntryState::Waiting { remaining } => (id, remaining).serialize(serializer),
            EntryState::Held(HeldLease { since, length, max_attempts, max_crashes }) => {
                let length = length.num_microseconds().unwrap_or(i64::MAX);
                (id, since.timestamp_micros(), length, max_attempts, max_crashes).serialize(serializer)
            }
        }
    }
}

/// Returns the text that is stored.
#[allow(clippy::expect_used, reason = "texts and numbers have a JSON form")]
pub(super) fn write(entries: &[Entry]) -> String {
    serde_json::to_string(entries).expect("an entry has a JSON form")
}

/// Returns the text with which the entry of a stage starts. Nothing else in `held` contains it.
pub(in crate::stores) fn start(stage_key: &StageKey) -> String {
    format!("[{},", Value::from(stage_key.to_string()))
}

/// Reads the stored text.
pub(in crate::stores) fn parse(text: &str) -> Result<Vec<Entry>, serde_json::Error> {
    let rows: Vec<Vec<Value>> = serde_json::from_str(text)?;
    let invalid = || serde::de::Error::custom("an entry lacks a column, or has one of another type");
    let read = |columns: Vec<Value>| {
        let number = |at: usize| columns.get(at).and_then(Value::as_i64).ok_or_else(invalid);
        let count = |at: usize| number(at).and_then(|n| u32::try_from(n).map_err(|_| invalid()));
        let state = match columns.len() {
            2 => EntryState::Waiting { remaining: count(1)? },
            _ => EntryState::Held(HeldLease {
                since: DateTime::from_timestamp_micros(number(1)?).ok_or_else(invalid)?,
                length: TimeDelta::microseconds(number(2)?),
                max_attempts: count(3)?,
                max_crashes: count(4)?,
            }),
        };
        let stage_id = columns.first().and_then(Value::as_str).ok_or_else(invalid)?;
        let stage_key = StageKey::new(stage_id, Place::default());
        Ok(Entry { stage_key, state })
    };
    rows.into_iter().map(read).collect()
}
