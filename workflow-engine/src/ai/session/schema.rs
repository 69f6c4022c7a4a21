//! JSON Schemas of Rust types, and the validation of responses against them.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::{Value, json};

use crate::ai::request::ObjectSchema;
use crate::ai::response::FinishReason;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// The schema that a response must match.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct ExpectedSchema {
    name: String,
    schema: Value,
    /// Whether the value is the field `value` of an object, because providers accept only schemas of objects.
    is_wrapped: bool,
}

impl ExpectedSchema {
    /// Returns the schema of `T` in the form that providers accept.
    pub(super) fn of<T: JsonSchema>() -> Self {
        let mut schema = schema_of::<T>();
        let is_wrapped = schema.get("type").is_none_or(|kind| kind != "object");
        if is_wrapped {
            // Definitions move to the new root, where references look for them.
            let definitions = schema.as_object_mut().and_then(|schema| schema.remove("$defs"));
            schema = json!({
                "type": "object",
                "properties": { "value": schema },
                "required": ["value"],
                "additionalProperties": false,
            });
            if let Some(definitions) = definitions {
                schema["$defs"] = definitions;
            }
        }
        Self { name: schema_name(&T::schema_name()), schema, is_wrapped }
    }

    pub(super) fn object_schema(&self) -> ObjectSchema {
        ObjectSchema { name: self.name.clone(), schema: self.schema.clone() }
    }
}

/// Returns the JSON Schema of `T`, with subschemas inlined unless they are recursive.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Restricts a type name to the letters, digits, `_` and `-` that providers accept, at most 64 of them.
fn schema_name(type_name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    type_name.chars().map(|c| if is_plain(c) { c } else { '_' }).take(64).collect()
}

/// Parses the value in a response and validates it. Errors quote the schema and never the response.
pub(super) fn parse_object(
    text: &str,
    finish_reason: FinishReason,
    expected: &ExpectedSchema,
) -> Result<Value, AiError> {
    let name = &expected.name;
    if finish_reason == FinishReason::ContentFilter {
        let message = format!("the response for `{name}` was blocked by a content filter");
        return Err(AiError::new(AiErrorKind::Refused, message));
    }
    let value: Value = serde_json::from_str(unfenced(text)).map_err(|error| {
        if finish_reason == FinishReason::Length {
            let message =
                format!("the response for `{name}` was truncated at the token limit: raise `max_tokens`");
            return AiError::new(AiErrorKind::Truncated, message);
        }
        invalid(name, &format!("is not JSON: {}", error_position(&error)))
    })?;
    let validator = jsonschema::validator_for(&expected.schema).map_err(|error| {
        let message = format!("`{name}` has an invalid schema: {}", error.masked());
        AiError::new(AiErrorKind::InvalidRequest, message)
    })?;
    if let Err(error) = validator.validate(&value) {
        return Err(invalid(name, &format!("violates its schema at `{}`", error.schema_path())));
    }
    match value {
        Value::Object(mut object) if expected.is_wrapped => Ok(object.remove("value").unwrap_or_default()),
        value => Ok(value),
    }
}

/// Deserializes a validated value into a `T`.
pub(super) fn decode_object<T: DeserializeOwned>(
    value: Value,
    expected: &ExpectedSchema,
) -> Result<T, AiError> {
    serde_json::from_value(value).map_err(|error| {
        // Field names belong to the program; serde's other messages quote the response.
        let text = error.to_string();
        let cause =
            if text.starts_with("missing field") { text.as_str() } else { "a value has the wrong type" };
        invalid(&expected.name, &format!("matches its schema but not the Rust type: {cause}"))
    })
}

/// Deserializes a response that has no schema into a `T`.
pub(super) fn parse_without_schema<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, AiError> {
    serde_json::from_str(unfenced(text)).map_err(|error| {
        invalid(name, &format!("is not JSON of the requested type: {}", error_position(&error)))
    })
}

fn invalid(name: &str, fault: &str) -> AiError {
    AiError::new(AiErrorKind::InvalidResponse, format!("the response for `{name}` {fault}"))
}

/// Describes a JSON error by its position alone: serde's own message quotes the response.
fn error_position(error: &serde_json::Error) -> String {
    let fault = match error.classify() {
        Category::Eof => "unexpected end",
        Category::Data => "wrong type",
        _ => "syntax error",
    };
    format!("{fault} at line {} column {}", error.line(), error.column())
}

/// Removes the fence of a code block around the text, or returns the first code block in it.
fn unfenced(text: &str) -> &str {
    const FENCE: &str = "```";
    let text = text.trim();
    if text.starts_with(['{', '[', '"']) {
        return text;
    }
    let Some((_, block)) = text.split_once(FENCE) else { return text };
    // The rest of the fence's line names the language.
    let block = block.split_once('\n').map_or(block, |(_, rest)| rest);
    block.rsplit_once(FENCE).map_or(block, |(block, _)| block).trim()
}

#[cfg(test)]
mod tests {
    use super::unfenced;

    #[test]
    fn fences_are_stripped() {
        for text in [
            "{\"a\":1}",
            "  {\"a\":1}\n",
            "```json\n{\"a\":1}\n```",
            "```\n{\"a\":1}\n```\n",
            "Here it is:\n```json\n{\"a\":1}\n```\nAnything else?",
            "```json\n{\"a\":1}",
        ] {
            assert_eq!(unfenced(text), "{\"a\":1}", "{text}");
        }
        assert_eq!(unfenced("{\"a\":\"```x```\"}"), "{\"a\":\"```x```\"}");
        assert_eq!(unfenced("17"), "17");
    }
}
