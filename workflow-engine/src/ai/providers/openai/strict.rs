//! JSON Schemas for OpenAI's strict decoding.
//!
//! Strict decoding supports a part of JSON Schema (<https://platform.openai.com/docs/guides/structured-outputs>), in which
//! every field is required and no other fields are allowed. The conversion drops constraints that are not supported, so the
//! result admits every value of the original schema, except that optional fields become required, which the original
//! schema allows.

use serde_json::{Map, Value, json};

/// Keywords that are copied.
const COPIED: [&str; 13] = [
    "type",
    "enum",
    "required",
    "description",
    "title",
    "pattern",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
];
/// Supported values of `format`. Formats of Rust types, such as `uint32`, are dropped.
const FORMATS: [&str; 9] =
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];
/// Keywords that cannot be converted or dropped without changing the meaning of the schema.
const UNSUPPORTED: [&str; 12] = [
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "prefixItems",
    "patternProperties",
    "propertyNames",
    "dependentSchemas",
    "dependentRequired",
    "contains",
    "unevaluatedProperties",
];

/// Converts a schema for strict decoding, or returns `None` if that is impossible, for example for a map.
pub(super) fn strict(schema: &Value) -> Option<Value> {
    let schema = convert(schema)?;
    let is_object = schema["type"] == "object" && schema.get("anyOf").is_none();
    is_object.then_some(schema)
}

fn convert(schema: &Value) -> Option<Value> {
    let schema = schema.as_object()?;
    if UNSUPPORTED.iter().any(|name| schema.contains_key(*name)) {
        return None;
    }
    if let Some(reference) = schema.get("$ref") {
        return convert_reference(reference, schema);
    }
    let mut new = Map::new();
    for (name, value) in schema {
        if COPIED.contains(&name.as_str()) {
            new.insert(name.clone(), value.clone());
        }
    }
    if let Some(format) = schema.get("format").filter(|format| FORMATS.iter().any(|known| *format == known)) {
        new.insert("format".to_owned(), format.clone());
    }
    if let Some(constant) = schema.get("const") {
        new.insert("enum".to_owned(), json!([constant]));
    }
    if let Some(items) = schema.get("items") {
        new.insert("items".to_owned(), convert(items)?);
    }
    // A value that matches exactly one variant also matches `anyOf`.
    if let Some(variants) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
        let variants: Option<Vec<Value>> = variants.as_array()?.iter().map(convert).collect();
        new.insert("anyOf".to_owned(), variants?.into());
    }
    if let Some(definitions) = schema.get("$defs") {
        new.insert("$defs".to_owned(), convert_each(definitions)?);
    }
    convert_object(schema, &mut new)?;
    let has_content = ["type", "enum", "anyOf"].iter().any(|name| new.contains_key(*name));
    let has_items = !is_type(schema, "array") || new.contains_key("items");
    (has_content && has_items).then(|| new.into())
}

/// Converts a reference. A reference must have no siblings, so a description is placed around it.
fn convert_reference(reference: &Value, schema: &Map<String, Value>) -> Option<Value> {
    // A root with definitions beside the reference cannot be converted, because the root must be an object.
    if schema.contains_key("$defs") {
        return None;
    }
    let alone = json!({ "$ref": reference });
    Some(match schema.get("description") {
        Some(description) => json!({ "anyOf": [alone], "description": description }),
        None => alone,
    })
}

fn convert_object(schema: &Map<String, Value>, new: &mut Map<String, Value>) -> Option<()> {
    let others = schema.get("additionalProperties");
    if !matches!(others, None | Some(Value::Bool(false))) {
        return None;
    }
    if !is_type(schema, "object") && !schema.contains_key("properties") {
        return Some(());
    }
    // An object without properties is a map, unless it forbids additional properties.
    let none = json!({});
    let fields = match (schema.get("properties"), others) {
        (Some(fields), _) => fields,
        (None, Some(_)) => &none,
        (None, None) => return None,
    };
    let names: Vec<&String> = fields.as_object()?.keys().collect();
    new.insert("required".to_owned(), json!(names));
    new.insert("properties".to_owned(), convert_each(fields)?);
    new.insert("additionalProperties".to_owned(), false.into());
    Some(())
}

fn convert_each(schemas: &Value) -> Option<Value> {
    let schemas: Option<Map<String, Value>> =
        schemas.as_object()?.iter().map(|(name, schema)| Some((name.clone(), convert(schema)?))).collect();
    schemas.map(Value::Object)
}

fn is_type(schema: &Map<String, Value>, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == name,
        Some(Value::Array(several)) => several.iter().any(|one| one == name),
        _ => false,
    }
}

#[cfg(test)]
#[path = "strict_tests.rs"]
mod tests;
