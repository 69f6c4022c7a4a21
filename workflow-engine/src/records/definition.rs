//! The definitions of workflows, as a store keeps them.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Json;

/// A definition that a process has registered. The store keeps it, so that its runs can be shown by a process that does
/// not have the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DefinitionRecord {
    /// Its fingerprint, which its runs carry.
    pub fingerprint: String,
    /// The workflow's id.
    pub workflow_id: String,
    /// The workflow's version.
    pub version: u32,
    /// What [`WorkflowDefinition::to_json`](crate::definition::WorkflowDefinition::to_json) returns.
    pub description: Json,
    /// When a process registered it for the first time.
    pub first_seen_at: DateTime<Utc>,
}

/// The runs of one definition that have not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnfinishedRuns {
    /// The definition's fingerprint.
    pub fingerprint: String,
    /// The number of runs that have not started.
    pub pending: u64,
    /// The number of runs that have started.
    pub running: u64,
    /// When the oldest of them was created.
    pub oldest: DateTime<Utc>,
}
