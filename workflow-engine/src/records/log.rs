//! A log line of a run.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::log_level::LogLevel;
use crate::value::{Json, Place, RunId, StageKey};

/// A stored log line of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogRecord {
    /// The id. It grows with each line of the store, so a reader continues after the last id that it has seen.
    pub id: u64,
    /// The run.
    pub run_id: RunId,
    /// The stage that the line is about. `None` for a line about the run as a whole.
    pub stage_id: Option<String>,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The stage's attempt at the commit. `None` for a line about the run as a whole.
    pub attempt: Option<u32>,
    /// The instant of the commit.
    pub at: DateTime<Utc>,
    /// The severity.
    pub level: LogLevel,
    /// The message.
    pub message: String,
    /// The fields, a JSON value.
    pub fields: Json,
}

impl LogRecord {
    /// Returns the key of the stage that the line is about.
    #[must_use]
    pub fn stage_key(&self) -> Option<StageKey> {
        Some(StageKey { id: self.stage_id.clone()?, place: self.place.clone() })
    }
}
