//! The JSON Schemas of a workflow and of its stages.

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::rules::without_rules;
use super::stage::StageDefinition;
use super::workflow::WorkflowDefinition;
use crate::value::Json;

impl WorkflowDefinition {
    /// Returns the JSON Schema of the workflow's input.
    #[must_use]
    pub fn input_schema(&self) -> Schema {
        (self.input.schema)(SchemaGenerator::default())
    }

    /// Returns a mistake in the rules of an input, with the stage, if it is not the workflow's own.
    pub(crate) fn input_fault(&self) -> Option<(Option<&str>, &str)> {
        let stages = self.stages.iter().find_map(|stage| {
            let fault = stage.input_rules.as_ref()?.faults.first()?;
            Some((Some(stage.id.as_str()), fault.as_str()))
        });
        stages.or_else(|| Some((None, self.input.faults().first()?.as_str())))
    }

    /// Checks the input of a new run and returns its stored form.
    pub(crate) fn check_input(&self, given: &Json) -> Result<Json, String> {
        self.input.check(&self.stages, given)
    }

    /// Returns the JSON Schema of the workflow's output.
    #[must_use]
    pub fn output_schema(&self) -> Schema {
        (self.output_schema)()
    }

    /// Returns the JSON Schema of the workflow's configuration, an object with a key for each stage id.
    #[must_use]
    pub fn config_schema(&self) -> Schema {
        (self.config_schema)()
    }

    /// Returns the configuration of a run that is started without one, by stage id; `None` for a stage that has a field
    /// without a default.
    #[must_use]
    pub fn default_config(&self) -> Vec<(&str, Option<Value>)> {
        self.stages.iter().map(|stage| (stage.id.as_str(), stage.default_config())).collect()
    }
}

impl StageDefinition {
    /// Returns the JSON Schema of the stage's input.
    #[must_use]
    pub fn input_schema(&self) -> Schema {
        (self.input_schema)(SchemaGenerator::default())
    }

    /// The JSON Schema of the input without the rules, which the fingerprint contains.
    pub(crate) fn input_shape(&self) -> Schema {
        (self.input_schema)(without_rules())
    }

    /// Returns the JSON Schema of the stage's output.
    #[must_use]
    pub fn output_schema(&self) -> Schema {
        (self.output_schema)()
    }

    /// Returns the JSON Schema of the stage's configuration.
    #[must_use]
    pub fn config_schema(&self) -> Schema {
        self.config.schema()
    }

    /// Returns the configuration that consists of defaults; `None` if a field has no default.
    #[must_use]
    pub fn default_config(&self) -> Option<Value> {
        self.config.complete(None).ok()?.decode().ok()
    }
}
