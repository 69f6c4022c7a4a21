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
        check_by_schema(&definition["input_schema"], input)
            .map_err(|reason| Error::invalid_input(workflow_id, reason))?;
    }
    for (stage_id, output) in outputs {
        let stages = definition["stages"].as_array();
        let stage = stages.and_then(|stages| stages.iter().find(|stage| stage["id"] == stage_id.as_str()));
        let schema = stage.map_or(&serde_json::Value::Null, |stage| &stage["output_schema"]);
        check_by_schema(schema, output).map_err(|reason| {
            Error::invalid_request(format!("the output of stage `{stage_id}` is not of its type: {reason}"))
        })?;
    }
    Ok(())
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
    input: Option<&Json>,
    outputs: &BTreeMap<String, Json>,
    missing: Error,
) -> Result<(), Error> {
    if input.is_none() && outputs.is_empty() { Ok(()) } else { Err(missing) }
}
