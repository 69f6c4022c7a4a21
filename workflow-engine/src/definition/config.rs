//! The configuration of a stage: its schema, its defaults, its rules.

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::rules::{ValueRules, without_rules};
use crate::value::Json;
use crate::value::unknown_field;

/// A private keyword of the schema without rules, for a record with flattened fields.
pub(crate) const FLATTENED: &str = "x-flattened";

/// The configuration of a stage.
#[derive(Debug)]
pub(crate) struct ConfigDefinition {
    schema: fn(SchemaGenerator) -> Schema,
    read: fn(Option<&Json>) -> Result<Json, String>,
    rules: ValueRules,
    /// All keys of a configuration with flattened fields; `None` if other keys are allowed or there are no flattened fields.
    keys: Option<Vec<String>>,
    faults: Vec<ConfigFault>,
}

/// A mistake in a configuration, because of which the workflow cannot be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConfigFault {
    /// Two fields have this key.
    Clash(String),
    /// A rule that the default of its field breaks, or that cannot be parsed: a sentence about the field.
    Rule(String),
}

impl ConfigDefinition {
    /// `read` adds the defaults to a configuration, at every level, and returns its stored form.
    pub(crate) fn new(
        schema: fn(SchemaGenerator) -> Schema,
        read: fn(Option<&Json>) -> Result<Json, String>,
    ) -> Self {
        let shape = schema(without_rules()).to_value();
        let (rules, broken) = ValueRules::new(&schema(SchemaGenerator::default()).to_value());
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

    /// The JSON Schema without the rules, which the fingerprint contains.
    pub(crate) fn shape(&self) -> Schema {
        (self.schema)(without_rules())
    }

    /// The mistakes in the configuration's declaration.
    pub(crate) fn faults(&self) -> &[ConfigFault] {
        &self.faults
    }

    /// Adds the defaults to a configuration, at every level, checks it, and returns its complete stored form.
    pub(crate) fn complete(&self, given: Option<&Json>) -> Result<Json, String> {
        if let (Some(keys), Some(given)) = (&self.keys, given) {
            refuse_unknown_field(keys, given)?;
        }
        let complete = (self.read)(given)?;
        if !self.rules.is_empty() {
            // `read` has just written it, so this cannot fail.
            let value = complete.decode().map_err(|error| error.to_string())?;
            self.rules.check(&value)?;
        }
        Ok(complete)
    }
}

/// Refuses a misspelled key. A flattened structure cannot do so itself, because it does not see its owner's keys.
fn refuse_unknown_field(keys: &[String], given: &Json) -> Result<(), String> {
    // A value that is not an object is refused when it is read.
    let Ok(Value::Object(given)) = given.decode() else { return Ok(()) };
    match given.keys().find(|key| !keys.contains(key)) {
        Some(key) => Err(unknown_field(key, &keys.iter().map(String::as_str).collect::<Vec<_>>())),
        None => Ok(()),
    }
}
