//! A stored artifact.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stored_value::StoredValue;
use crate::value::{Place, RunId, StageKey};

/// A value that a stage keeps beside its output, under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactRecord {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_id: String,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The key, unique within the stage.
    pub key: String,
    /// The generation in which it was written. It is void once its stage runs again.
    pub generation: u32,
    /// The value.
    pub value: StoredValue,
    /// The instant of the commit.
    pub at: DateTime<Utc>,
}

impl ArtifactRecord {
    /// Returns the key of its stage.
    pub(crate) fn stage_key(&self) -> StageKey {
        StageKey { id: self.stage_id.clone(), place: self.place.clone() }
    }
}
