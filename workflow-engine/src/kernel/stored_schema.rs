//! Checks values against the schemas of a stored definition, in a process that does not have the types.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::value::Json;

/// Checks an edited input and edited outputs against the schemas of the definition. Without the feature `schemas`, no
/// value can be checked, so the error that this process lacks the definition is returned.
///
/// # Errors
/// `INVALID_INPUT`, `INVALID_REQUEST` for a value that its schema refuses; `missing`.
#[cfg(feature = "schemas")]
pub(super) fn check_stored(
    workflow_id: &str,
    description: &Json,
    input: Option<&Json>,
    outputs: &BTreeMap<String, Json>,
    missing: Error,
) -> Result<(), Error> {
    if input.is_none() && outputs.is_empty() {
        return Ok(());
    }
    let Ok(definition) = description.decode::<serde_json::Value>() else { return Err(missing) };
    if let Some(input) = input {
        check(&definition["input_schema"], input)
            .map_err(|reason| Error::invalid_input(workflow_id, reason))?;
    }
    for (stage_id, output) in outputs {
        let stages = definition["stages"].as_array();
        let stage = stages.and_then(|stages| stages.iter().find(|stage| stage["id"] == stage_id.as_str()));
        let schema = stage.map_or(&serde_json::Value::Null, |stage| &stage["output_schema"]);
        check(schema, output).map_err(|reason| {
            Error::invalid_request(format!("the output of stage `{stage_id}` is not of its type: {reason}"))
        })?;
    }
    Ok(())
}

#[cfg(feature = "schemas")]
fn check(schema: &serde_json::Value, value: &Json) -> Result<(), String> {
    let validator = jsonschema::validator_for(schema).map_err(|error| error.to_string())?;
    let value: serde_json::Value = value.decode().map_err(|error| error.to_string())?;
    validator.validate(&value).map_err(|error| match error.instance_path().to_string() {
        path if path.is_empty() => error.masked().to_string(),
        path => format!("{path}: {}", error.masked()),
    })
}

#[cfg(not(feature = "schemas"))]
pub(super) fn check_stored(
    _workflow_id: &str,
    _description: &Json,
    input: Option<&Json>,
    outputs: &BTreeMap<String, Json>,
    missing: Error,
) -> Result<(), Error> {
    if input.is_none() && outputs.is_empty() { Ok(()) } else { Err(missing) }
}
