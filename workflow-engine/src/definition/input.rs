//! The input of a workflow, its rules and its unknown fields.

use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

use super::rules::{ValueRules, without_rules};
use super::stage::StageDefinition;
use crate::value::{FieldPath, Json, unknown_field};

/// The treatment of fields that the input's type does not know: the option `#[workflow(unknown_input = …)]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UnknownInput {
    /// The run is not created.
    #[default]
    Deny,
    /// The fields are not stored.
    Ignore,
}

/// The input of a workflow.
#[derive(Debug)]
pub(crate) struct InputDefinition {
    pub(crate) schema: fn(SchemaGenerator) -> Schema,
    /// Reads an input as the workflow's type and returns its stored form.
    pub(crate) read: fn(&Json) -> Result<Json, serde_json::Error>,
    /// Returns the first field that the type does not know.
    pub(crate) find_unknown: fn(&Json) -> Option<FieldPath>,
    pub(crate) unknown: UnknownInput,
    rules: ValueRules,
    faults: Vec<String>,
}

impl InputDefinition {
    pub(crate) fn new(
        schema: fn(SchemaGenerator) -> Schema,
        read: fn(&Json) -> Result<Json, serde_json::Error>,
        find_unknown: fn(&Json) -> Option<FieldPath>,
        unknown: UnknownInput,
    ) -> Self {
        let (rules, faults) = ValueRules::new(&schema(SchemaGenerator::default()).to_value());
        Self { schema, read, find_unknown, unknown, rules, faults }
    }

    /// The JSON Schema without the rules, which the fingerprint contains.
    pub(crate) fn shape(&self) -> Schema {
        (self.schema)(without_rules())
    }

    /// The mistakes in the rules, one sentence each.
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// Checks the input of a new run, also for the first stages, and returns its stored form.
    pub(crate) fn check(&self, stages: &[StageDefinition], given: &Json) -> Result<Json, String> {
        let stored = (self.read)(given).map_err(|error| error.to_string())?;
        // If the stored form equals the given text, the type has read every field.
        if self.unknown == UnknownInput::Deny
            && stored != *given
            && let Some(path) = (self.find_unknown)(given)
        {
            return Err(self.unknown_field(&path));
        }
        if !self.rules.is_empty() {
            // `read` has just written it, so this cannot fail.
            let value: Value = stored.decode().map_err(|error| error.to_string())?;
            self.rules.check(&value)?;
        }
        for stage in stages {
            if let Some(rules) = &stage.input_rules {
                (rules.check_start)(&stored, &rules.rules)
                    .map_err(|reason| format!("stage `{}`: {reason}", stage.id))?;
            }
        }
        Ok(stored)
    }

    /// The message for an unknown field, with the known ones from the schema.
    fn unknown_field(&self, path: &FieldPath) -> String {
        let schema = (self.schema)(SchemaGenerator::default()).to_value();
        let known = path.owner().iter().try_fold(&schema, |at, step| step.schema_in(resolve(&schema, at)?));
        let known = known.and_then(|owner| resolve(&schema, owner)?.get("properties")?.as_object());
        let known: Vec<&str> =
            known.into_iter().flat_map(|fields| fields.keys().map(String::as_str)).collect();
        let owner = path.owner_text();
        let within = if owner.is_empty() { String::new() } else { format!("`{owner}`: ") };
        format!("{within}{}", unknown_field(path.field(), &known))
    }
}

/// The schema that describes a value: the target of a reference, or the only schema of an `Option` besides that of `null`.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let mut schema = schema;
    // A reference to itself would not end.
    for _ in 0..16 {
        if let Some(Value::String(name)) = schema.get("$ref") {
            schema = root.pointer(name.strip_prefix('#')?)?;
        } else if let Some(Value::Array(any)) = schema.get("anyOf") {
            schema = any.iter().find(|schema| schema.get("type").is_none_or(|name| name != "null"))?;
        } else {
            return Some(schema);
        }
    }
    None
}
