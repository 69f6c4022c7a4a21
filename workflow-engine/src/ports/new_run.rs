//! A run and its stages, to be.

use crate::records::RunRequest;

/// A run to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// The workflow's id.
    pub workflow_id: String,
    /// For people.
    pub workflow_name: String,
    /// The definition that it is created with.
    pub definition_fingerprint: String,
    /// Higher is claimed first.
    pub priority: i32,
    /// Input, configuration, metadata.
    pub request: RunRequest,
}

/// A stage to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStage {
    /// The stage's id.
    pub stage_id: String,
    /// For people.
    pub stage_name: String,
    /// 1-based position in reading order.
    pub stage_number: u32,
    /// 1-based longest-path level.
    pub execution_group: u32,
    /// How many stages it waits for.
    pub waiting_on: u32,
}
