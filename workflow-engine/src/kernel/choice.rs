//! The arm that an outcome chooses.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::local_executor::panic_text;
use crate::context::StageError;
use crate::definition::{ChoiceDefinition, StageDefinition};
use crate::value::Json;

/// Returns the number of the arm that the output of this stage chooses; `None` if no `match` follows the stage.
///
/// # Errors
/// If a guard panics: the attempt fails, as it does if the body panics.
pub(super) fn choose(stage: &StageDefinition, output: &Json) -> Result<Option<u32>, StageError> {
    let Some(choice) = &stage.choice else { return Ok(None) };
    if choice.is_caught {
        return choose_by(choice, &[Json::null(), output.clone()]).map(Some);
    }
    choose_by(choice, std::slice::from_ref(output)).map(Some)
}

/// Returns the number of the arm that a failure chooses, which the `catch` that this stage ends passes on; `None` if no
/// `match` follows it.
///
/// # Errors
/// If a guard panics.
pub(super) fn choose_for_failure(stage: &StageDefinition, failure: &Json) -> Result<Option<u32>, StageError> {
    let choice = stage.choice.as_ref().filter(|choice| choice.is_caught);
    choice.map(|choice| choose_by(choice, std::slice::from_ref(failure))).transpose()
}

fn choose_by(choice: &ChoiceDefinition, stored: &[Json]) -> Result<u32, StageError> {
    let chosen = catch_unwind(AssertUnwindSafe(|| (choice.choose)(stored))).map_err(|panic| {
        StageError::retryable(format_args!("its `match` panicked: {}", panic_text(&*panic)))
    })?;
    let arm = chosen.map_err(|error| {
        StageError::permanent(format_args!("its output cannot be read by its `match`: {error}"))
    })?;
    Ok(u32::try_from(arm).unwrap_or(u32::MAX))
}
