//! The run that has started another one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{RunId, StageKey};

/// The run and the stage that have started a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct RunParent {
    /// The parent.
    pub run_id: RunId,
    /// The stage of the parent that has started the run: `embed`, or `embed[17]` in a repeated part.
    #[serde(rename = "stage_id")]
    pub stage_key: StageKey,
    /// The generation of the parent in which it did so.
    pub generation: u32,
    /// The number of runs above this one: 1 for the child of a run that has no parent.
    pub depth: u32,
    /// Whether the stage waits for the end of the run: the run is then a step of its parent, and ends with it.
    pub is_awaited: bool,
}

impl RunParent {
    /// The greatest depth of a run.
    pub const MAX_DEPTH: u32 = 8;

    /// Creates the parent of a run.
    #[must_use]
    pub fn new(
        run_id: RunId,
        stage_key: impl Into<StageKey>,
        generation: u32,
        depth: u32,
        is_awaited: bool,
    ) -> Self {
        Self { run_id, stage_key: stage_key.into(), generation, depth, is_awaited }
    }
}

/// The ticket of a stage that waits for a run: the form in which the stage keeps the id of its child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChildTicket {
    /// The child.
    pub child_run_id: RunId,
}
