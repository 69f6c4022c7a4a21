//! An artifact as it is stored.

use chrono::{DateTime, Utc};

use super::value::StoredValue;
use crate::value::RunId;

/// What a stage keeps beside its output, under a key of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArtifactRecord {
    /// The run.
    pub run_id: RunId,
    /// The stage that keeps it.
    pub stage_id: String,
    /// Its name among those of its stage.
    pub key: String,
    /// The run's generation that it belongs to: it is void once its stage is run again.
    pub generation: u32,
    /// Its value.
    pub value: StoredValue,
    /// When it was committed.
    pub at: DateTime<Utc>,
}
