//! A compiled workflow as plain data.

use std::time::Duration;

use super::choice::CatchDefinition;
use super::input::InputDefinition;
use super::source::Source;
use super::stage::StageDefinition;

/// A compiled workflow: its stages in reading order, with everything that the engine needs to run them.
///
/// `workflow!` makes it from the graph that the compiler has checked;
/// [`Workflow::definition`](crate::Workflow::definition) returns it.
#[derive(Debug)]
pub struct WorkflowDefinition {
    /// The id: the option `id`, or the workflow's name in kebab case.
    pub id: String,
    /// The name: the option `name`, or the workflow's name in title case.
    pub name: String,
    /// The option `version`; default 1.
    pub version: u32,
    /// The description: the doc comment of the workflow.
    pub description: String,
    /// The stages in reading order. All lists of indices in the definition refer to this list.
    pub stages: Vec<StageDefinition>,
    /// The stages whose outputs are the workflow's output, in the order in which they are written: the last stage, or the
    /// last stages of a group or of the arms of a `match`.
    pub output_stages: Vec<usize>,
    /// The option `deadline`: the longest time of a run, from its creation or its rerun; `None` for no limit.
    pub deadline: Option<Duration>,
    /// The catches.
    pub catches: Vec<CatchDefinition>,
    /// Where the output comes from.
    pub(crate) output: Source,
    /// See [`WorkflowDefinition::fingerprint`].
    pub(crate) fingerprint: String,
    pub(crate) input: InputDefinition,
    pub(crate) output_schema: fn() -> schemars::Schema,
    pub(crate) config_schema: fn() -> schemars::Schema,
}
