//! A stored artifact.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stored_value::StoredValue;
use crate::value::RunId;

/// A value that a stage keeps beside its output, under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactRecord {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_id: String,
    /// The key, unique within the stage.
    pub key: String,
    /// The generation in which it was written. It is void once its stage runs again.
    pub generation: u32,
    /// The value.
    pub value: StoredValue,
    /// The instant of the commit.
    pub at: DateTime<Utc>,
}
