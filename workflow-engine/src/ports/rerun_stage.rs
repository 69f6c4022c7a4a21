//! A stage that runs again.

/// A stage that runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RerunStage {
    /// The stage.
    pub stage_id: String,
    /// The number of its predecessors that run again too.
    pub waiting_on: u32,
}
