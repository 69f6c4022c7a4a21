//! Decoding the stored outputs of a run.

use std::collections::HashMap;

use super::upstream::{Upstream, decode_stage_output};
use crate::language::Stage;
use crate::value::Json;

/// Decodes the workflow's output, of the shape `H`, from the stored outputs of its last step.
///
/// # Errors
/// If one of them is not the JSON of its stage's output type.
pub fn decode_output<H: Upstream>(outputs: &[Json]) -> Result<H::Value, serde_json::Error> {
    H::decode(&mut outputs.iter())
}

/// The structure of a run's outputs that `workflow!` generates.
pub trait Decoded: Sized {
    /// Decodes the outputs of all stages from the stored outputs by stage id.
    ///
    /// # Errors
    /// If one of them is not the JSON of its stage's output type.
    fn decode(stored: &HashMap<String, Json>) -> Result<Self, serde_json::Error>;
}

/// Decodes the output of `S`, if it has one.
///
/// # Errors
/// If it is not the JSON of the stage's output type.
#[allow(clippy::implicit_hasher, reason = "only generated code calls it")]
pub fn decode_stored<S: Stage>(
    stored: &HashMap<String, Json>,
) -> Result<Option<S::Output>, serde_json::Error> {
    stored.get(S::DECLARATION.id).map(decode_stage_output::<S>).transpose()
}
