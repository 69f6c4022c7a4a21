//! Everything about a run that one page shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use workflow_engine::records::{RunRecord, StageRecord};
use workflow_engine::{AnyRun, Error};

/// A run with its stages.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunDetails {
    /// The record.
    pub run: RunRecord,
    /// The stages in reading order; none before the run has started.
    pub stages: Vec<StageRecord>,
    /// The tags.
    pub tags: BTreeMap<String, String>,
    /// The reason why the run stands still.
    pub blocked_reason: Option<Blocked>,
}

/// The reason why a run stands still.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Blocked {
    /// The code.
    pub code: String,
    /// The text.
    pub message: String,
}

impl Blocked {
    /// Creates a reason from an error.
    pub fn new(error: &Error) -> Self {
        Self { code: error.code().as_str().to_owned(), message: error.to_string() }
    }
}

impl RunDetails {
    /// Reads a run.
    ///
    /// # Errors
    /// When the run does not exist, or the store cannot be read.
    pub async fn read(run: &AnyRun) -> Result<Self, Error> {
        Ok(Self {
            run: run.record().await?,
            stages: run.stages().await?,
            tags: run.tags().await?,
            blocked_reason: run.blocked_reason().await?.as_ref().map(Blocked::new),
        })
    }
}
