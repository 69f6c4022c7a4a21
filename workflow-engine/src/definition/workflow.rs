//! A compiled workflow as plain data: what the kernel walks, and what every introspection is derived from.

use super::stage::StageDefinition;
use crate::value::Json;

/// A compiled workflow: its stages in reading order, with everything that the kernel needs to run them.
///
/// Made by `workflow!` from the one graph that the compiler has checked, and handed out by
/// [`Workflow::definition`](crate::Workflow::definition).
#[derive(Debug)]
pub struct WorkflowDefinition {
    /// Kebab case of the workflow's name, or what `#[workflow(id = "…")]` says.
    pub id: String,
    /// Title case of the workflow's name, or what `#[workflow(name = "…")]` says.
    pub name: String,
    /// What `#[workflow(version = N)]` says; default 1.
    pub version: u32,
    /// The doc comment.
    pub description: String,
    /// The stages in reading order; the position is the stage's index in every list of this structure.
    pub stages: Vec<StageDefinition>,
    /// The stages that make up the workflow's output, in writing order: one, or those that end a last group.
    pub output_stages: Vec<usize>,
    /// See [`WorkflowDefinition::fingerprint`].
    pub(crate) fingerprint: String,
    pub(crate) input_schema: fn() -> schemars::Schema,
    pub(crate) output_schema: fn() -> schemars::Schema,
    pub(crate) config_schema: fn() -> schemars::Schema,
    /// Decodes a run's input as the workflow's input type and writes it in its stored form.
    pub(crate) check_input: fn(&Json) -> Result<Json, serde_json::Error>,
}
