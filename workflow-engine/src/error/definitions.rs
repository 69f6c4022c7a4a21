//! One constructor for each cause: workflows, their versions and definitions.

use std::fmt;

use super::causes::shown;
use super::{Error, ErrorCode};

impl Error {
    pub(crate) fn workflow_not_found(workflow: &str, known: &[String]) -> Self {
        let known = if known.is_empty() {
            "none is registered".to_owned()
        } else {
            format!("registered are: {}", known.join(", "))
        };
        Self::new(
            ErrorCode::WorkflowNotFound,
            format!("workflow `{}` is not registered; {known}", shown(workflow)),
        )
    }

    pub(crate) fn definition_mismatch(run: impl fmt::Display, workflow: &str) -> Self {
        Self::new(
            ErrorCode::DefinitionMismatch,
            format!(
                "run {run} was created with another definition of workflow `{workflow}` than this process has"
            ),
        )
    }

    pub(crate) fn workflow_of_run_not_found(run: impl fmt::Display, workflow: &str) -> Self {
        Self::new(
            ErrorCode::WorkflowNotFound,
            format!("run {run} belongs to workflow `{workflow}`, which is not registered in this process"),
        )
    }

    pub(crate) fn stored_definition(fingerprint: &str, source: serde_json::Error) -> Self {
        let message = format!("the stored definition `{fingerprint}` cannot be read");
        Self::new(ErrorCode::StoredValueCorrupt, message).because(source)
    }

    pub(crate) fn definition_does_not_fit(run: impl fmt::Display, workflow: &str, reason: &str) -> Self {
        Self::new(
            ErrorCode::DefinitionMismatch,
            format!(
                "run {run} was created with another definition of workflow `{workflow}`, with which this process's definition was declared compatible, but is not: {reason}"
            ),
        )
    }

    pub(crate) fn invalid_fingerprint(workflow: &str, fingerprint: &str) -> Self {
        let shown: String = fingerprint.chars().take(80).collect();
        Self::new(
            ErrorCode::InvalidFingerprint,
            format!(
                "workflow `{workflow}` is declared compatible with `{shown}`, which is not a fingerprint: expected 64 hexadecimal digits, as in the lock file"
            ),
        )
    }

    pub(crate) fn workflow_mismatch(run: impl fmt::Display, expected: &str, actual: &str) -> Self {
        Self::new(
            ErrorCode::WorkflowMismatch,
            format!("run {run} belongs to workflow `{actual}`, not to `{expected}`"),
        )
    }

    pub(crate) fn version_mismatch(
        run: impl fmt::Display,
        workflow: &str,
        expected: u32,
        actual: u32,
    ) -> Self {
        Self::new(
            ErrorCode::WorkflowMismatch,
            format!(
                "run {run} belongs to version {actual} of workflow `{workflow}`, not to version {expected}"
            ),
        )
    }

    pub(crate) fn duplicate_workflow(workflow: &str, version: u32) -> Self {
        Self::new(
            ErrorCode::DuplicateWorkflow,
            format!("two workflows are registered with the id `{workflow}` and version {version}"),
        )
    }

    pub(crate) fn fingerprint_of_other_workflow(fingerprint: &str, workflow: &str) -> Self {
        Self::new(
            ErrorCode::DuplicateWorkflow,
            format!("the fingerprint `{fingerprint}` belongs to the registered workflow `{workflow}`"),
        )
    }

    pub(crate) fn version_not_found(workflow: &str, version: u32, known: &[u32]) -> Self {
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        Self::new(
            ErrorCode::WorkflowNotFound,
            format!(
                "version {version} of workflow `{}` is not registered; registered versions: {}",
                shown(workflow),
                known.join(", ")
            ),
        )
    }

    pub(crate) fn definition_not_registered(workflow: &str, version: u32) -> Self {
        Self::new(
            ErrorCode::WorkflowNotFound,
            format!(
                "this definition of workflow `{workflow}` is not registered: version {version} is registered with another one"
            ),
        )
    }
}
