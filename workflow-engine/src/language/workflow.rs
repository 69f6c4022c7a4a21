//! A workflow as a type.

use std::collections::HashMap;

use crate::definition::{StageDeclaration, WorkflowDefinition};
use crate::value::{Json, Storable};

/// A workflow. [`workflow!`](macro@crate::workflow) implements it for the type that it generates.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a workflow",
    label = "not a workflow",
    note = "a workflow is a name in `workflow! {{ pub MyWorkflow = first >> second }}`; one stage alone is `MyWorkflow = first`"
)]
pub trait Workflow: Send + Sync + 'static {
    /// The input of a run.
    type Input: Storable;
    /// The output of a run: that of the last step, a tuple if the last step is a group.
    type Output: Send + 'static;
    /// The configuration, with a field for each stage; the JSON keys are the stages' ids.
    type Config: Storable;
    /// The outputs of all stages; `None` for a stage without an output.
    type Outputs: Send + 'static;

    /// The input as that of a step of another workflow.
    #[doc(hidden)]
    type StepInput: Send + Sync + 'static;

    /// The workflow as a step of another one.
    #[doc(hidden)]
    const STEP: StageDeclaration;

    /// Returns the workflow as data.
    fn definition() -> &'static WorkflowDefinition;

    /// Decodes the output from the stored outputs of [`WorkflowDefinition::output_stages`], in that order.
    ///
    /// # Errors
    /// If one of them is not the JSON of its stage's output type.
    fn decode_output(outputs: &[Json]) -> Result<Self::Output, serde_json::Error>;

    /// Decodes the outputs of all stages from the stored outputs by stage id.
    ///
    /// # Errors
    /// If one of them is not the JSON of its stage's output type.
    fn decode_outputs(stored: &HashMap<String, Json>) -> Result<Self::Outputs, serde_json::Error>;
}
