//! How far a run is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many stages of a run have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct RunProgress {
    /// The number of stages that have completed or were skipped; while the run continues, also those whose failure it has
    /// caught.
    pub done: u32,
    /// The number of all stages.
    pub total: u32,
}

impl RunProgress {
    pub(crate) const fn new(done: u32, total: u32) -> Self {
        Self { done, total }
    }
}

/// `7/12`.
impl std::fmt::Display for RunProgress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.done, self.total)
    }
}
