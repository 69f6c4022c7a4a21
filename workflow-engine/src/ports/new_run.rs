//! A run and its stages before they are inserted.

use crate::records::{RunParent, RunRequest};
use crate::value::StageKey;

/// A run before it is inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// The workflow's id.
    pub workflow_id: String,
    /// The workflow's name, for people.
    pub workflow_name: String,
    /// The fingerprint of the definition with which the run is created.
    pub definition_fingerprint: String,
    /// The priority. Runs with a higher one are claimed first.
    pub priority: i32,
    /// The run that starts this one, if a stage of a run does.
    pub parent: Option<RunParent>,
    /// Input, configuration and metadata.
    pub request: RunRequest,
}

/// A stage before it is inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStage {
    /// The stage.
    pub stage_key: StageKey,
    /// The stage's name, for people.
    pub stage_name: String,
    /// The 1-based position in reading order.
    pub stage_number: u32,
    /// The 1-based level: the length of the longest path to the stage.
    pub execution_group: u32,
    /// The number of predecessors.
    pub waiting_on: u32,
}
