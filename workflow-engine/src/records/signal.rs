//! A stored signal, and a stage that waits for one.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stored_value::StoredValue;
use crate::value::{Json, Place, RunId, StageKey};

/// A signal that a stage of a run has received. A consumed one stays as a record until its run is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct SignalRecord {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_id: String,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The position in the stage's queue: 1, 2, 3, …, without a gap. The lowest number that is not consumed is next.
    pub number: u64,
    /// The payload, which becomes the stage's output.
    pub payload: Json,
    /// Who sent it, as far as the sender has said.
    pub actor: Option<String>,
    /// The instant of its commit.
    pub at: DateTime<Utc>,
    /// The instant at which a wait consumed it; `None` while it is in the queue.
    pub consumed_at: Option<DateTime<Utc>>,
    /// The run's generation whose wait consumed it.
    pub consumed_by: Option<u32>,
}

impl SignalRecord {
    /// Returns the key of its stage.
    pub(crate) fn stage_key(&self) -> StageKey {
        StageKey { id: self.stage_id.clone(), place: self.place.clone() }
    }
}

/// A stage that waits for a signal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignalWait {
    /// The run.
    pub run_id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The fingerprint of the run's definition.
    pub definition_fingerprint: String,
    /// The stage.
    pub stage_id: String,
    /// The place of the stage in its run; empty outside of repeated parts.
    pub place: Place,
    /// The stage's name, for people.
    pub stage_name: String,
    /// What the stage's function has returned.
    pub question: StoredValue,
    /// The instant at which the function began to run.
    pub asked_at: Option<DateTime<Utc>>,
    /// The instant at which the wait times out.
    pub deadline: DateTime<Utc>,
}

impl SignalWait {
    /// Returns the key of the stage.
    #[must_use]
    pub fn stage_key(&self) -> StageKey {
        StageKey { id: self.stage_id.clone(), place: self.place.clone() }
    }
}
