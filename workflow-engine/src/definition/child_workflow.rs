//! A workflow as a step of another one.

/// The workflow that a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildWorkflow {
    /// The workflow's id.
    pub id: &'static str,
    /// Its version.
    pub version: u32,
}

impl ChildWorkflow {
    pub(crate) const fn new(id: &'static str, version: u32) -> Self {
        Self { id, version }
    }
}
