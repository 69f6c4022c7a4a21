//! A compiled workflow as plain data: what the kernel walks, and what every introspection is derived from.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::config::ConfigDefinition;
use super::context::StageContext;
use super::cost::Cost;
use super::failure::StageError;
use super::json::Json;
use super::retry::RetryPolicy;
use super::stage::OverBudget;
use super::wait::WaitDefinition;

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

/// One stage of a compiled workflow.
#[derive(Debug)]
pub struct StageDefinition {
    /// Unique in its workflow.
    pub id: String,
    /// For people.
    pub name: String,
    /// What `#[stage(version = N)]` says; default 1.
    pub version: u32,
    /// The doc comment.
    pub description: String,
    /// 1-based position in reading order.
    pub number: u32,
    /// 1-based longest-path level.
    pub execution_group: u32,
    /// The stages whose completion this one waits for.
    pub predecessors: Vec<usize>,
    /// The stages that wait for this one.
    pub successors: Vec<usize>,
    /// The stages whose outputs it is handed, in writing order; empty at the start: it is handed the run's input.
    pub inputs: Vec<usize>,
    /// The stages that it requires, and the optional ones that the workflow has: all ancestors.
    pub reads: Vec<usize>,
    /// When a failed attempt is followed by another.
    pub retry: RetryPolicy,
    /// How long one attempt may take; `None` for as long as it wants.
    pub timeout: Option<Duration>,
    /// What its calls of models may cost in one run, in all its generations together; `None` for as much as the run may
    /// spend.
    pub budget: Option<Cost>,
    /// What follows when a call would cost more than it or its run may spend.
    pub over_budget: OverBudget,
    /// How the stage waits, if it does; its body's value is then its ticket.
    pub wait: Option<WaitDefinition>,
    pub(crate) entry: Entry,
    pub(crate) input_schema: fn() -> schemars::Schema,
    pub(crate) output_schema: fn() -> schemars::Schema,
    pub(crate) config: ConfigDefinition,
}

/// The erased body of a stage in one workflow: stored values in, stored value out.
pub(crate) type Entry = fn(Execution) -> BoxFuture<'static, Result<Json, StageError>>;

/// What the body of a stage is called with.
#[derive(Debug)]
pub struct Execution {
    /// At the start the run's input alone; elsewhere the outputs named by [`StageDefinition::inputs`].
    pub inputs: Vec<Json>,
    /// The stage's complete configuration.
    pub config: Json,
    /// The attempt's context.
    pub context: StageContext,
}
