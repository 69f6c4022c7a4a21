//! The JSON Schemas of a workflow and of its stages.

use schemars::Schema;
use serde_json::Value;

use super::stage::StageDefinition;
use super::workflow::WorkflowDefinition;

impl WorkflowDefinition {
    /// Returns the JSON Schema of the workflow's input.
    #[must_use]
    pub fn input_schema(&self) -> Schema {
        (self.input_schema)()
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
        (self.input_schema)()
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
