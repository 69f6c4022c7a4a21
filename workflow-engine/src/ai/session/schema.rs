//! The schema of a type, and answers that are to keep to it.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::{Value, json};

use crate::ai::error::{AiError, AiErrorKind};
use crate::ai::request::ObjectSchema;
use crate::ai::response::FinishReason;

/// What an answer must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Expected {
    name: String,
    schema: Value,
    /// Whether the value stands in the field `value` of an object, for providers take no schemas of anything else.
    is_wrapped: bool,
}

impl Expected {
    pub(super) fn object_schema(&self) -> ObjectSchema {
        ObjectSchema { name: self.name.clone(), schema: self.schema.clone() }
    }
}

/// The JSON Schema of a type, its parts inlined as far as they do not refer to themselves.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    settings.meta_schema = None;
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// The same, as providers take it.
pub(super) fn expected<T: JsonSchema>() -> Expected {
    let mut schema = schema_of::<T>();
    let is_wrapped = schema.get("type").is_none_or(|kind| kind != "object");
    if is_wrapped {
        // References to definitions begin at the root.
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
    Expected { name: name(&T::schema_name()), schema, is_wrapped }
}

/// Letters, digits, `_` and `-`, at most 64 of them.
fn name(of_type: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    of_type.chars().map(|c| if is_plain(c) { c } else { '_' }).take(64).collect()
}

/// The value in an answer, if it keeps to the schema. What is wrong is said in the words of the schema alone.
pub(super) fn read_object(
    text: &str,
    finish_reason: FinishReason,
    expected: &Expected,
) -> Result<Value, AiError> {
    let name = &expected.name;
    if finish_reason == FinishReason::ContentFilter {
        return Err(AiError::new(AiErrorKind::Refused, format!("the answer for `{name}` was filtered")));
    }
    let value: Value = serde_json::from_str(unfenced(text)).map_err(|error| {
        if finish_reason == FinishReason::Length {
            let message =
                format!("the answer for `{name}` was cut at the limit of tokens: raise `max_tokens`");
            return AiError::new(AiErrorKind::Truncated, message);
        }
        invalid(name, &format!("is no JSON: {}", place(&error)))
    })?;
    let validator = jsonschema::validator_for(&expected.schema).map_err(|error| {
        let message = format!("`{name}` has a schema that cannot be read: {}", error.masked());
        AiError::new(AiErrorKind::InvalidRequest, message)
    })?;
    if let Err(error) = validator.validate(&value) {
        return Err(invalid(name, &format!("breaks its schema at `{}`", error.schema_path())));
    }
    match value {
        Value::Object(mut object) if expected.is_wrapped => Ok(object.remove("value").unwrap_or_default()),
        value => Ok(value),
    }
}

/// The value as a `T`.
pub(super) fn typed<T: DeserializeOwned>(value: Value, expected: &Expected) -> Result<T, AiError> {
    serde_json::from_value(value).map_err(|error| {
        // The names of fields are the program's; other texts of serde's quote the answer.
        let text = error.to_string();
        let why =
            if text.starts_with("missing field") { text.as_str() } else { "a value is none of its type" };
        invalid(&expected.name, &format!("keeps to its schema, but is none of the type: {why}"))
    })
}

/// The value in an answer that has no schema.
pub(super) fn read_plain<T: DeserializeOwned>(text: &str, name: &str) -> Result<T, AiError> {
    serde_json::from_str(unfenced(text))
        .map_err(|error| invalid(name, &format!("is no JSON of the type: {}", place(&error))))
}

fn invalid(name: &str, fault: &str) -> AiError {
    AiError::new(AiErrorKind::InvalidResponse, format!("the answer for `{name}` {fault}"))
}

fn place(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        Category::Eof => "it ends too early",
        Category::Data => "a value is none of its type",
        _ => "it breaks off",
    };
    format!("{what} at line {} column {}", error.line(), error.column())
}

/// The text without the fence of a code block around it, or around the first block in it.
fn unfenced(text: &str) -> &str {
    const FENCE: &str = "```";
    let text = text.trim();
    if text.starts_with(['{', '[', '"']) {
        return text;
    }
    let Some((_, block)) = text.split_once(FENCE) else { return text };
    // The language stands in the fence's line.
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
