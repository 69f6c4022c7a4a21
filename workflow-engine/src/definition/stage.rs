//! A stage of a compiled workflow, and the arguments of its body.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::child_workflow::ChildWorkflow;
use super::choice::ChoiceDefinition;
use super::config::ConfigDefinition;
use super::declaration::OverBudget;
use super::input_rules::InputRules;
use super::retry::RetryPolicy;
use super::rules::ValueRules;
use super::settings::{ReadSettings, StageSettings};
use super::source::Source;
use super::state_type::StateType;
use super::wait::WaitDefinition;
use crate::context::{StageContext, StageError};
use crate::value::{Cost, Json, Place, StageKey};

/// One stage of a compiled workflow.
#[derive(Debug)]
pub struct StageDefinition {
    /// The id, unique in the workflow.
    pub id: String,
    /// The name for display.
    pub name: String,
    /// The option `version`; default 1.
    pub version: u32,
    /// The description: the doc comment of the stage.
    pub description: String,
    /// The position in reading order, from 1.
    pub number: u32,
    /// The level in the graph, from 1: the number of stages on the longest path that ends with this stage.
    pub execution_group: u32,
    /// The direct predecessors: the stage starts when all of them have completed, except those in an arm that is not taken.
    pub predecessors: Vec<usize>,
    /// The direct successors.
    pub successors: Vec<usize>,
    /// The stages whose outputs this stage receives, in the order in which they are written. Empty for a first stage, which
    /// receives the run's input.
    pub inputs: Vec<usize>,
    /// The required stages, and the optional stages that the workflow contains; all run before this stage.
    pub reads: Vec<usize>,
    /// The types of the `#[state]` parameters of the stage and of its check, each once.
    pub state: Vec<StateType>,
    /// The retry policy.
    pub retry: RetryPolicy,
    /// The longest time for one attempt; `None` for no limit.
    pub timeout: Option<Duration>,
    /// The highest cost of the stage's AI calls in one run, in all its generations together; `None` for no limit other than
    /// the run's budget.
    pub budget: Option<Cost>,
    /// The behaviour if a call would exceed a budget.
    pub over_budget: OverBudget,
    /// How the stage waits; its body then returns a ticket. `None` for a stage that does not wait.
    pub wait: Option<WaitDefinition>,
    /// The workflow of a step that is one: the stage starts a run of it, and waits for its end.
    pub child: Option<ChildWorkflow>,
    /// The time between the completion of its predecessors, or the start of the run, and its first attempt; `None` without
    /// a `delay` before it.
    pub delay: Option<Duration>,
    /// The choice that the stage's output makes, where it is the stage of a `match`.
    pub choice: Option<ChoiceDefinition>,
    /// Where the value comes from that the stage receives.
    pub(crate) source: Source,
    pub(crate) entry: Entry,
    pub(crate) input_schema: fn(schemars::SchemaGenerator) -> schemars::Schema,
    pub(crate) input_rules: Option<InputRules>,
    pub(crate) output_schema: fn() -> schemars::Schema,
    /// Reads an output of the stage, and returns its stored form.
    pub(crate) read_output: fn(&Json) -> Result<Json, serde_json::Error>,
    pub(crate) config: ConfigDefinition,
    /// For a stage whose configuration sets limits.
    pub(crate) read_settings: Option<ReadSettings>,
}

impl StageDefinition {
    /// Returns the key of the stage in a run that has it once.
    pub(crate) fn key(&self) -> StageKey {
        StageKey::new(self.id.clone(), Place::default())
    }

    /// Returns the position in the list of the workflow's stages.
    pub(crate) fn index(&self) -> usize {
        self.number as usize - 1
    }

    /// Returns the JSON Schema of the payload of a signal, which is the stage's output; `None` for a stage that does not
    /// wait for one.
    #[must_use]
    pub fn signal_schema(&self) -> Option<schemars::Schema> {
        self.waits_for_signal().then(|| (self.output_schema)())
    }

    /// Whether the stage waits for a signal.
    pub(crate) fn waits_for_signal(&self) -> bool {
        self.wait.is_some_and(|wait| wait.is_signal())
    }

    /// Returns the id of the workflow that the stage runs, where it is one.
    #[must_use]
    pub fn child_workflow_id(&self) -> Option<&'static str> {
        self.child.map(|child| child.id)
    }

    /// Returns the limits of the stage in a run with this configuration of the stage.
    ///
    /// # Errors
    /// The sentence about a value that is out of range.
    pub fn settings(&self, config: &Json) -> Result<StageSettings, String> {
        let mut settings = self.declared_settings();
        if let Some(configured) = self.read_settings {
            (configured.read)(config, &mut settings)?;
            settings.complete()?;
        }
        Ok(settings)
    }

    /// Returns the limits that the stage declares. Where an option takes a limit from the configuration, this is the
    /// default of the option.
    pub(crate) fn declared_settings(&self) -> StageSettings {
        StageSettings::declared(self.retry, self.timeout, self.wait.as_ref())
    }

    /// Whether the configuration sets a limit of the stage.
    pub(crate) const fn has_configured_settings(&self) -> bool {
        self.read_settings.is_some()
    }
}

/// The erased body of a stage in one workflow: stored values in, stored value out.
pub(crate) type Entry = fn(Execution) -> BoxFuture<'static, Result<Json, StageError>>;

/// The arguments of the body of a stage.
#[derive(Debug)]
pub struct Execution {
    /// The run's input for a first stage; otherwise the outputs of [`StageDefinition::inputs`].
    pub inputs: Vec<Json>,
    /// The stage's complete configuration.
    pub config: Json,
    /// The attempt's context.
    pub context: StageContext,
    /// The rules of a stage that is not the first, whose input is checked before the function is called.
    pub(crate) input_rules: Option<Arc<ValueRules>>,
}
