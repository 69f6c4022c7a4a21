//! Reading the stored outputs of a run as the types of its stages.

use std::collections::HashMap;

use super::upstream::{Upstream, decode_output};
use crate::stage::Stage;
use crate::value::Json;

/// The workflow's output, of the shape `H`, from the stored outputs of its last step.
///
/// # Errors
/// When one of them is not the JSON of its stage's output type.
pub fn decode_ends<H: Upstream>(ends: &[Json]) -> Result<H::Value, serde_json::Error> {
    H::decode(&mut ends.iter())
}

/// The outputs of a run as `workflow!` writes them.
pub trait Decoded: Sized {
    /// Every stage's output, from the stored ones by stage id.
    ///
    /// # Errors
    /// When one of them is not the JSON of its stage's output type.
    fn decode(stored: &HashMap<String, Json>) -> Result<Self, serde_json::Error>;
}

/// The output of `S`, where it has one.
///
/// # Errors
/// When it is not the JSON of the stage's output type.
#[allow(clippy::implicit_hasher, reason = "generated code alone calls it")]
pub fn decode_stored<S: Stage>(
    stored: &HashMap<String, Json>,
) -> Result<Option<S::Output>, serde_json::Error> {
    stored.get(S::DECLARATION.id).map(decode_output::<S>).transpose()
}
