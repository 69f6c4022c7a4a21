//! One constructor for each cause: runs that stages start.

use std::fmt::Display;

use super::{Error, ErrorCode};

impl Error {
    pub(crate) fn child_key_taken(key: &str) -> Self {
        Self::new(
            ErrorCode::IdempotencyConflict,
            format!("another request took the idempotency key `{key}` of a child at the same time"),
        )
    }

    pub(crate) fn child_too_deep(parent: impl Display, deepest: u32, workflow: &str) -> Self {
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
