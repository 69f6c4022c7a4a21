//! A workflow as a type.

use std::collections::HashMap;

use serde::Serialize;

use crate::definition::WorkflowDefinition;
use crate::value::{Json, Storable};

/// A compiled workflow; implemented by `workflow!` for the type that it names.
pub trait Workflow: Send + Sync + 'static {
    /// What a run is started with.
    type Input: Storable;
    /// What a run delivers: the output of the last step, a tuple where that is a group.
    type Output: Send + 'static;
    /// One field per stage; its JSON keys are the stages' ids.
    type Config: Serialize + Send + Sync + 'static;
    /// Every stage's output, typed, `None` while it has none.
    type Outputs: Send + 'static;

    /// The workflow as data.
    fn definition() -> &'static WorkflowDefinition;

    /// The output from the stored outputs of [`WorkflowDefinition::output_stages`], in that order.
    ///
    /// # Errors
    /// When one of them is not the JSON of its stage's output type.
    fn decode_output(ends: &[Json]) -> Result<Self::Output, serde_json::Error>;

    /// Every stage's output from the stored outputs, by stage id.
    ///
    /// # Errors
    /// When one of them is not the JSON of its stage's output type.
    fn decode_outputs(stored: &HashMap<String, Json>) -> Result<Self::Outputs, serde_json::Error>;
}
