//! The configuration of a stage: its schema, its defaults, its rules.

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::rules::{ConfigRules, without_rules};
use crate::value::Json;
use crate::value::unknown_field;

/// What the schema without rules, which nobody else sees, says of a record with flattened fields.
pub(crate) const FLATTENED: &str = "x-flattened";

/// The configuration of a stage.
#[derive(Debug)]
pub(crate) struct ConfigDefinition {
    schema: fn(SchemaGenerator) -> Schema,
    read: fn(Option<&Json>) -> Result<Json, String>,
    rules: ConfigRules,
    /// The keys of a configuration with flattened fields, where they are all that there are.
    keys: Option<Vec<String>>,
    faults: Vec<ConfigFault>,
}

/// Why a workflow cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConfigFault {
    /// Two fields have this key.
    Clash(String),
    /// A rule that its own field breaks, or that nobody can read: a sentence about the field.
    Rule(String),
}

impl ConfigDefinition {
    /// `read` fills a configuration with its defaults, deeply, and answers its stored form.
    pub(crate) fn new(
        schema: fn(SchemaGenerator) -> Schema,
        read: fn(Option<&Json>) -> Result<Json, String>,
    ) -> Self {
        let shape = schema(without_rules()).to_value();
        let (rules, broken) = ConfigRules::new(&schema(SchemaGenerator::default()).to_value());
        let mut faults: Vec<ConfigFault> = broken.into_iter().map(ConfigFault::Rule).collect();
        let mut keys = None;
        if let Some(flattened) = shape.get(FLATTENED) {
            let clashes = flattened["clashes"].as_array().into_iter().flatten().filter_map(Value::as_str);
            faults.extend(clashes.map(|key| ConfigFault::Clash(key.to_owned())));
            if flattened["open"] == Value::Bool(false) {
                let fields = shape.get("properties").and_then(Value::as_object);
                keys = fields.map(|fields| fields.keys().cloned().collect());
            }
        }
        Self { schema, read, rules, keys, faults }
    }

    /// The JSON Schema, with the rules.
    pub(crate) fn schema(&self) -> Schema {
        (self.schema)(SchemaGenerator::default())
    }

    /// The JSON Schema without the rules: what the type admits, and the fingerprint is made of.
    pub(crate) fn shape(&self) -> Schema {
        (self.schema)(without_rules())
    }

    /// What is wrong with the configuration's declaration.
    pub(crate) fn faults(&self) -> &[ConfigFault] {
        &self.faults
    }

    /// Fills a configuration with its defaults, deeply, and checks it; answers the complete stored form.
    pub(crate) fn complete(&self, given: Option<&Json>) -> Result<Json, String> {
        if let (Some(keys), Some(given)) = (&self.keys, given) {
            refuse_unknown_field(keys, given)?;
        }
        let complete = (self.read)(given)?;
        if !self.rules.is_empty() {
            // It was written a moment ago.
            let value = complete.decode().map_err(|error| error.to_string())?;
            self.rules.check(&value)?;
        }
        Ok(complete)
    }
}

/// A structure that is flattened into another cannot tell its own keys from a slip; the schema of both can.
fn refuse_unknown_field(keys: &[String], given: &Json) -> Result<(), String> {
    // What is no object is refused where it is read.
    let Ok(Value::Object(given)) = given.decode() else { return Ok(()) };
    match given.keys().find(|key| !keys.contains(key)) {
        Some(key) => Err(unknown_field(key, &keys.iter().map(String::as_str).collect::<Vec<_>>())),
        None => Ok(()),
    }
}
