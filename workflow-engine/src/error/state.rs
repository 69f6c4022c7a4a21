//! The errors of values that stages take from the program.

use std::error::Error as StdError;

use super::{Error, ErrorCode};

/// A value that a stage takes and the engine does not have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MissingState<'a> {
    pub(crate) workflow: &'a str,
    pub(crate) stage: &'a str,
    /// The type as the stage writes it, and its full name.
    pub(crate) name: &'a str,
    pub(crate) type_name: &'a str,
}

impl Error {
    /// `present` are the types of the engine's values.
    pub(crate) fn missing_state(missing: &[MissingState<'_>], present: &[&str]) -> Self {
        let lacks = missing.iter().map(|lack| {
            let MissingState { workflow, stage, name, type_name } = lack;
            format!(
                "stage `{stage}` of workflow `{workflow}` takes `#[state]` of type `{name}`, but the engine has no such value: \
                 write `.state(value)` with a `{type_name}` before `.build()`"
            )
        });
        let lacks = lacks.collect::<Vec<_>>().join("; ");
        let present = match present {
            [] => "it has no state".to_owned(),
            types => format!("it has `{}`", types.join("`, `")),
        };
        Self::new(ErrorCode::MissingState, format!("{lacks} ({present})"))
    }

    pub(crate) fn duplicate_state(type_name: &str) -> Self {
        Self::new(
            ErrorCode::DuplicateState,
            format!(
                "the engine was given two values of type `{type_name}` as state, but stages find a value by its type: wrap \
                 one of them in a type of its own, `struct Replica({type_name})`"
            ),
        )
    }

    pub(crate) fn state_failed(type_name: &str, source: Box<dyn StdError + Send + Sync>) -> Self {
        Self::new(ErrorCode::StateFailed, format!("the state of type `{type_name}` cannot be made: {source}"))
            .because(source)
    }
}
