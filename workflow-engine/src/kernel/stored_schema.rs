//! Checks values against the schemas of a stored definition, in a process that does not have the types.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::value::Json;

/// The edited values of a fork.
pub(super) struct Edits<'a> {
    pub(super) input: Option<&'a Json>,
    pub(super) config: Option<&'a Json>,
    pub(super) outputs: &'a BTreeMap<String, Json>,
}

impl Edits<'_> {
    fn is_empty(&self) -> bool {
        self.input.is_none() && self.config.is_none() && self.outputs.is_empty()
    }
}

/// A definition as [`to_json`](crate::definition::WorkflowDefinition::to_json) describes it.
#[cfg(feature = "schemas")]
#[derive(serde::Deserialize)]
struct Described {
    input_schema: serde_json::Value,
    stages: Vec<DescribedStage>,
}

#[cfg(feature = "schemas")]
#[derive(serde::Deserialize)]
struct DescribedStage {
    id: String,
    output_schema: serde_json::Value,
    config_schema: serde_json::Value,
    /// `None` where a field without a default is required.
    default_config: Option<Json>,
}

/// Checks edited values against the schemas of the definition, and returns the edited configuration with the defaults of
/// the fields that it leaves out. Without the feature `schemas`, no value can be checked, so the error that this process
/// lacks the definition is returned.
///
/// # Errors
/// `INVALID_INPUT`, `INVALID_CONFIG`, `INVALID_REQUEST` for a value that its schema refuses; `missing`.
#[cfg(feature = "schemas")]
pub(super) fn check_stored(
    workflow_id: &str,
    description: &Json,
    edits: &Edits<'_>,
    missing: Error,
) -> Result<Option<Json>, Error> {
    if edits.is_empty() {
        return Ok(None);
    }
    let Ok(definition) = description.decode::<Described>() else { return Err(missing) };
    if let Some(input) = edits.input {
        check_by_schema(&definition.input_schema, input)
            .map_err(|reason| Error::invalid_input(workflow_id, reason))?;
    }
    for (stage_id, output) in edits.outputs {
        let stage = definition.stages.iter().find(|stage| stage.id == *stage_id);
        let schema = stage.map_or(&serde_json::Value::Null, |stage| &stage.output_schema);
        check_by_schema(schema, output).map_err(|reason| {
            Error::invalid_request(format!("the output of stage `{stage_id}` is not of its type: {reason}"))
        })?;
    }
    edits.config.map(|config| complete(workflow_id, &definition, config)).transpose()
}

/// Returns a configuration with the defaults of the fields that it leaves out, after it was checked.
#[cfg(feature = "schemas")]
fn complete(workflow_id: &str, definition: &Described, config: &Json) -> Result<Json, Error> {
    let refused = |reason: &dyn std::fmt::Display| Error::invalid_config(workflow_id, reason);
    let given: BTreeMap<String, Json> = config
        .decode()
        .map_err(|error| refused(&format_args!("expected an object of stage ids: {error}")))?;
    let known: Vec<&str> = definition.stages.iter().map(|stage| stage.id.as_str()).collect();
    if let Some(unknown) = given.keys().find(|stage_id| !known.contains(&stage_id.as_str())) {
        return Err(refused(&format_args!(
            "it has no stage `{unknown}`; its stages are `{}`",
            known.join("`, `")
        )));
    }
    let mut complete = BTreeMap::new();
    for stage in &definition.stages {
        let of_stage =
            |reason: &dyn std::fmt::Display| refused(&format_args!("stage `{}`: {reason}", stage.id));
        let config = match (given.get(&stage.id), &stage.default_config) {
            (Some(given), Some(default)) => overlaid(default, given).map_err(|error| of_stage(&error))?,
            (Some(config), None) | (None, Some(config)) => config.clone(),
            (None, None) => Json::null(),
        };
        check_by_schema(&stage.config_schema, &config).map_err(|reason| of_stage(&reason))?;
        complete.insert(&stage.id, config);
    }
    Json::write(&complete).map_err(|error| refused(&error))
}

/// Returns the default with the given fields.
#[cfg(feature = "schemas")]
fn overlaid(default: &Json, given: &Json) -> Result<Json, serde_json::Error> {
    let Ok(mut fields) = default.decode::<BTreeMap<String, Json>>() else { return Ok(given.clone()) };
    fields.extend(given.decode::<BTreeMap<String, Json>>()?);
    Json::write(&fields)
}

/// A value that its schema refuses.
#[cfg(feature = "schemas")]
pub(super) struct Refused {
    /// Where, as Rust writes a path: `orders[2].price`. Empty for the value as a whole.
    pub(super) path: String,
    /// Why. It does not quote the value, which may be a secret.
    pub(super) reason: String,
}

#[cfg(feature = "schemas")]
impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, reason } = self;
        if path.is_empty() { f.write_str(reason) } else { write!(f, "at `{path}`, {reason}") }
    }
}

/// Checks a value against a schema of a stored definition.
#[cfg(feature = "schemas")]
pub(super) fn check_by_schema(schema: &serde_json::Value, value: &Json) -> Result<(), Refused> {
    let whole = |reason: String| Refused { path: String::new(), reason };
    let value: serde_json::Value = value.decode().map_err(|error| whole(error.to_string()))?;
    let validator = jsonschema::validator_for(schema)
        .map_err(|error| whole(format!("its stored schema is not valid: {}", error.masked())))?;
    validator.validate(&value).map_err(|error| Refused {
        path: path_text(error.instance_path().as_str()),
        reason: error.masked().to_string(),
    })
}

/// Writes a JSON pointer as Rust writes a path.
#[cfg(feature = "schemas")]
fn path_text(pointer: &str) -> String {
    let mut text = String::new();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if step.bytes().all(|byte| byte.is_ascii_digit()) && !step.is_empty() {
            text.extend(["[", &step, "]"]);
        } else {
            text.extend([if text.is_empty() { "" } else { "." }, &step]);
        }
    }
    text
}

#[cfg(not(feature = "schemas"))]
pub(super) fn check_stored(
    _workflow_id: &str,
    _description: &Json,
    edits: &Edits<'_>,
    missing: Error,
) -> Result<Option<Json>, Error> {
    if edits.is_empty() { Ok(None) } else { Err(missing) }
}
