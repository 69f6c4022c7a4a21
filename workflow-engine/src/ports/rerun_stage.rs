//! A stage that runs again.

use crate::value::StageKey;

/// A stage that runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RerunStage {
    /// The stage.
    pub stage_key: StageKey,
    /// The number of its predecessors that run again too.
    pub waiting_on: u32,
}
