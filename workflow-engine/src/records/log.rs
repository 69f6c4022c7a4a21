//! A log line of a stage.

use chrono::{DateTime, Utc};

use crate::records::log_level::LogLevel;
use crate::value::{Json, RunId};

/// One log line as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Grows with each line of the store; a reader goes on after the last one that it has seen.
    pub id: u64,
    /// The run.
    pub run_id: RunId,
    /// The stage that wrote it.
    pub stage_id: String,
    /// The stage's attempt at that time.
    pub attempt: u32,
    /// When it was committed.
    pub at: DateTime<Utc>,
    /// Its severity.
    pub level: LogLevel,
    /// What it says.
    pub message: String,
    /// Its fields, a JSON value.
    pub fields: Json,
}
