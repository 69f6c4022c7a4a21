//! The JSON Schemas of a workflow and of its stages.

use schemars::Schema;
use serde_json::Value;

use super::stage::StageDefinition;
use super::workflow::WorkflowDefinition;

impl WorkflowDefinition {
    /// The JSON Schema of what a run is started with.
    #[must_use]
    pub fn input_schema(&self) -> Schema {
        (self.input_schema)()
    }

    /// The JSON Schema of what a run delivers.
    #[must_use]
    pub fn output_schema(&self) -> Schema {
        (self.output_schema)()
    }

    /// The JSON Schema of the configuration: a key for each stage, its id.
    #[must_use]
    pub fn config_schema(&self) -> Schema {
        (self.config_schema)()
    }

    /// The configuration that a run has when it is started without one, by stage id; `None` for a stage that has a
    /// field without a default.
    #[must_use]
    pub fn default_config(&self) -> Vec<(&str, Option<Value>)> {
        self.stages.iter().map(|stage| (stage.id.as_str(), stage.default_config())).collect()
    }
}

impl StageDefinition {
    /// The JSON Schema of the stage's input.
    #[must_use]
    pub fn input_schema(&self) -> Schema {
        (self.input_schema)()
    }

    /// The JSON Schema of the stage's output.
    #[must_use]
    pub fn output_schema(&self) -> Schema {
        (self.output_schema)()
    }

    /// The JSON Schema of the stage's configuration.
    #[must_use]
    pub fn config_schema(&self) -> Schema {
        self.config.schema()
    }

    /// The configuration that consists of defaults; `None` where a field has none.
    #[must_use]
    pub fn default_config(&self) -> Option<Value> {
        self.config.complete(None).ok()?.decode().ok()
    }
}
