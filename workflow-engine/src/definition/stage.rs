//! A stage of a compiled workflow, and what its body is called with.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::config::ConfigDefinition;
use super::declaration::OverBudget;
use super::retry::RetryPolicy;
use super::wait::WaitDefinition;
use crate::context::{StageContext, StageError};
use crate::value::{Cost, Json};

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
