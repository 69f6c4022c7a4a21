//! The constants that `workflow!` generates, and the function that makes the definition from them.

use schemars::{JsonSchema, Schema, SchemaGenerator, schema_for};
use serde::ser::Error as _;

use super::choice::{CatchRow, ChoiceRow};
use super::record::{ObjectSchema, from_nothing};
use super::timing::Timing;
use super::upstream::{Shaped, Upstream};
use crate::definition::{
    CheckStart, ConfigDefinition, Entry, InputDefinition, InputRules, ReadSettings, Rule, Source,
    StageDeclaration, StageDefinition, StagePath, StageSettings, StateType, UnknownInput, WorkflowDefinition,
};
use crate::language::{InputTypes, Stage, Workflow};
use crate::value::{FieldPath, Json, Storable, Stored, find_unknown};

/// A workflow as `workflow!` generates it.
#[derive(Debug)]
pub struct WorkflowTable {
    /// Kebab case of the name, or the `id` option.
    pub id: &'static str,
    /// Title case of the name, or the `name` option.
    pub name: &'static str,
    /// The `version` option; default 1.
    pub version: u32,
    /// The doc comment.
    pub description: &'static str,
    /// The stages in reading order.
    pub stages: &'static [StageRow],
    /// For each stage, its direct predecessors in the order in which they are written.
    pub predecessors: &'static [&'static [usize]],
    /// The stages whose outputs are the workflow's output.
    pub output_stages: &'static [usize],
    /// The choices, in reading order.
    pub choices: &'static [ChoiceRow],
    /// The catches.
    pub catches: &'static [CatchRow],
    /// The sources of values that depend on a choice or a catch, by the stage that receives each; by the number after the last stage
    /// for the workflow's output.
    pub received: &'static [(usize, Source)],
    /// The delays and the deadline.
    pub timing: Timing,
    /// The input type.
    pub input: InputRow,
    /// The schema of the output.
    pub output_schema: fn() -> Schema,
    /// The schema of the configuration.
    pub config_schema: fn() -> Schema,
}

/// The workflow's input.
#[derive(Debug)]
pub struct InputRow {
    schema: fn(SchemaGenerator) -> Schema,
    read: fn(&Json) -> Result<Json, serde_json::Error>,
    find_unknown: fn(&Json) -> Option<FieldPath>,
    unknown: UnknownInput,
}

impl InputRow {
    /// The input of `W`.
    #[must_use]
    pub const fn of<W: Workflow>() -> Self {
        Self {
            schema: W::Input::root_schema,
            read: check_input::<W::Input>,
            find_unknown: find_unknown::<W::Input>,
            unknown: UnknownInput::Deny,
        }
    }

    /// The option `unknown_input = ignore`.
    #[must_use]
    pub const fn ignoring_unknown_fields(mut self) -> Self {
        self.unknown = UnknownInput::Ignore;
        self
    }
}

/// A stage at its place in a workflow.
#[derive(Clone, Copy, Debug)]
pub struct StageRow {
    path: StagePath,
    declaration: StageDeclaration,
    entry: Entry,
    input_schema: fn(SchemaGenerator) -> Schema,
    input_rules: fn() -> Vec<(&'static str, &'static [Rule])>,
    check_start: CheckStart,
    output_schema: fn() -> Schema,
    read_output: fn(&Json) -> Result<Json, serde_json::Error>,
    config_schema: fn(SchemaGenerator) -> Schema,
    describe_config: fn(&mut ObjectSchema<'_>),
    check_config: fn(Option<&Json>) -> Result<Json, String>,
    read_settings: Option<ReadSettings>,
}

impl StageRow {
    /// The stage `S`, without an entry.
    #[must_use]
    pub const fn of<S: Stage>() -> Self {
        Self {
            path: S::PATH,
            declaration: S::DECLARATION,
            entry: |_| unreachable!("a workflow with a mistake does not compile"),
            input_schema: <S::Input as Storable>::root_schema,
            input_rules: <S::Input as InputTypes>::rules,
            check_start: |_, _| Ok(()),
            output_schema: || S::Output::root_schema(SchemaGenerator::default()),
            read_output: check_input::<S::Output>,
            config_schema: <S::Config as Storable>::root_schema,
            describe_config: |object| object.stage::<S>(),
            check_config: check_config::<S>,
            read_settings: match S::SETTINGS {
                Some(settings) => Some(ReadSettings { places: settings.places, read: read_settings::<S> }),
                None => None,
            },
        }
    }

    /// The stage with the entry for its place.
    #[must_use]
    pub const fn entered(mut self, entry: Entry) -> Self {
        self.entry = entry;
        self
    }

    /// With the check of a run's input that the stage converts into its own.
    #[must_use]
    pub(crate) const fn starting(mut self, check_start: CheckStart) -> Self {
        self.check_start = check_start;
        self
    }

    pub(crate) const fn id(&self) -> &'static str {
        self.declaration.id
    }

    pub(crate) fn describe(&self, object: &mut ObjectSchema<'_>) {
        (self.describe_config)(object);
    }
}

/// The schema of a type, with a draft 2020-12 header and its own definitions.
#[must_use]
pub fn schema<T: JsonSchema>() -> Schema {
    schema_for!(T)
}

/// The schema of a workflow's output, of the shape `H`.
#[must_use]
pub fn output_schema<H: Upstream>() -> Schema {
    schema::<Shaped<H>>()
}

fn check_input<I: Storable>(input: &Json) -> Result<Json, serde_json::Error> {
    stored_form(input, &input.load::<I>()?)
}

/// Returns the stored form of a value that was read from `given`.
fn stored_form<T: Storable>(given: &Json, value: &T) -> Result<Json, serde_json::Error> {
    let written = Json::write(&Stored(value))?;
    // The value is what is read from this text.
    if written == *given { Ok(written) } else { Json::store(value).map_err(serde_json::Error::custom) }
}

fn check_config<S: Stage>(config: Option<&Json>) -> Result<Json, String> {
    let stored = match config {
        Some(json) => json.decode::<S::Config>().and_then(|config| stored_form(json, &config)),
        None => from_nothing()
            .and_then(|config: S::Config| Json::store(&config).map_err(serde_json::Error::custom)),
    };
    stored.map_err(|error| error.to_string())
}

fn read_settings<S: Stage>(config: &Json, settings: &mut StageSettings) -> Result<(), String> {
    let config: S::Config = config.load().map_err(|error| error.to_string())?;
    S::SETTINGS.map_or(Ok(()), |configured| (configured.set)(&config, settings))
}

/// Makes the definition from the table.
#[must_use]
pub fn define(table: &WorkflowTable) -> WorkflowDefinition {
    let mut stages: Vec<StageDefinition> = Vec::with_capacity(table.stages.len());
    for (index, (row, predecessors)) in table.stages.iter().zip(table.predecessors).enumerate() {
        // Reading order is a topological order, so the levels of all predecessors are computed.
        let level = predecessors.iter().map(|before| stages[*before].execution_group).max().unwrap_or(0);
        stages.push(stage(table, index, row, predecessors, level + 1));
    }
    for choice in table.choices {
        stages[choice.stage].choice = Some(choice.definition());
    }
    for index in 0..stages.len() {
        for before in stages[index].predecessors.clone() {
            stages[before].successors.push(index);
        }
    }
    let mut definition = WorkflowDefinition {
        id: table.id.to_owned(),
        name: table.name.to_owned(),
        version: table.version,
        description: table.description.to_owned(),
        stages,
        output_stages: table.output_stages.to_vec(),
        catches: table.catches.iter().map(CatchRow::definition).collect(),
        deadline: table.timing.deadline(),
        output: source(table, table.stages.len(), table.output_stages),
        fingerprint: String::new(),
        input: InputDefinition::new(
            table.input.schema,
            table.input.read,
            table.input.find_unknown,
            table.input.unknown,
        ),
        output_schema: table.output_schema,
        config_schema: table.config_schema,
    };
    definition.fingerprint = crate::definition::fingerprint(&definition);
    definition
}

/// The source of the value that a stage receives, or of the workflow's output.
fn source(table: &WorkflowTable, receiver: usize, stages: &'static [usize]) -> Source {
    let listed = table.received.iter().find(|(other, _)| *other == receiver);
    listed.map_or(Source::Outputs(stages), |(_, source)| *source)
}

fn stage(
    table: &WorkflowTable,
    index: usize,
    row: &StageRow,
    predecessors: &'static [usize],
    execution_group: u32,
) -> StageDefinition {
    let declaration = &row.declaration;
    let position = |path: &StagePath| table.stages.iter().position(|other| other.path.is(path));
    let mut reads: Vec<usize> = Vec::new();
    for requirement in declaration.requires.iter().chain(declaration.check_requires) {
        reads.extend(position(&requirement.path).filter(|stage| !reads.contains(stage)));
    }
    let mut state: Vec<StateType> = Vec::new();
    for taken in declaration.state.iter().chain(declaration.check_state) {
        state.extend((!state.contains(taken)).then_some(*taken));
    }
    StageDefinition {
        id: declaration.id.to_owned(),
        name: declaration.name.to_owned(),
        version: declaration.version,
        description: declaration.description.to_owned(),
        number: u32::try_from(index + 1).unwrap_or(u32::MAX),
        execution_group,
        predecessors: predecessors.to_vec(),
        successors: Vec::new(),
        inputs: predecessors.to_vec(),
        source: source(table, index, predecessors),
        choice: None,
        delay: table.timing.delay(index),
        reads,
        state,
        retry: declaration.retry,
        timeout: declaration.timeout,
        budget: declaration.budget,
        over_budget: declaration.over_budget,
        wait: declaration.wait,
        child: declaration.child,
        entry: row.entry,
        input_schema: row.input_schema,
        input_rules: InputRules::new(&(row.input_rules)(), row.check_start),
        output_schema: row.output_schema,
        read_output: row.read_output,
        config: ConfigDefinition::new(row.config_schema, row.check_config),
        read_settings: row.read_settings,
    }
}
