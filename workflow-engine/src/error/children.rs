//! One constructor for each cause: runs that stages start.

use super::{Error, ErrorCode};
use crate::records::RunParent;
use crate::value::RunId;

impl Error {
    pub(crate) fn child_key_taken(key: &str) -> Self {
        Self::new(
            ErrorCode::IdempotencyConflict,
            format!("another request took the idempotency key `{key}` of a child at the same time"),
        )
    }

    pub(crate) fn child_too_deep(parent: RunId, workflow: &str) -> Self {
        let deepest = RunParent::MAX_DEPTH;
        Self::new(
            ErrorCode::ChildTooDeep,
            format!(
                "run {parent} is {deepest} runs deep, and cannot start a run of workflow `{workflow}`: {deepest} is the most"
            ),
        )
    }

    /// A step of a workflow that is not registered with it.
    pub(crate) fn child_not_registered(workflow: &str, child: &str) -> Self {
        Self::new(
            ErrorCode::WorkflowNotFound,
            format!(
                "workflow `{workflow}` has workflow `{child}` as a step, which is not registered: add `.register::<…>()` for \
                 it before `.build()`"
            ),
        )
    }
}
