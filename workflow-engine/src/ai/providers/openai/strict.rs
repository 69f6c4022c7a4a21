//! Schemas as OpenAI's decoder takes them.
//!
//! It takes a part of JSON Schema (<https://platform.openai.com/docs/guides/structured-outputs>), in which every field
//! is required and no others are allowed. What is left out here is looser, so whatever fits the original also fits this,
//! but for a field that may be missing: it is asked for, which the original allows.

use serde_json::{Map, Value, json};

/// Kept as they are.
const KEPT: [&str; 13] = [
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
/// Of `format`; Rust's own, such as `uint32`, are none.
const FORMATS: [&str; 9] =
    ["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"];
/// Without these the schema would mean something else.
const IMPOSSIBLE: [&str; 12] = [
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

/// The schema for the decoder; `None` where it has something that the decoder cannot be held to, such as a map.
pub(super) fn strict(schema: &Value) -> Option<Value> {
    let schema = any(schema)?;
    let is_object = schema["type"] == "object" && schema.get("anyOf").is_none();
    is_object.then_some(schema)
}

fn any(schema: &Value) -> Option<Value> {
    let schema = schema.as_object()?;
    if IMPOSSIBLE.iter().any(|name| schema.contains_key(*name)) {
        return None;
    }
    if let Some(reference) = schema.get("$ref") {
        return reference_to(reference, schema);
    }
    let mut new = Map::new();
    for (name, value) in schema {
        if KEPT.contains(&name.as_str()) {
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
        new.insert("items".to_owned(), any(items)?);
    }
    // Exactly one of them is also any of them.
    if let Some(variants) = schema.get("anyOf").or_else(|| schema.get("oneOf")) {
        let variants: Option<Vec<Value>> = variants.as_array()?.iter().map(any).collect();
        new.insert("anyOf".to_owned(), variants?.into());
    }
    if let Some(definitions) = schema.get("$defs") {
        new.insert("$defs".to_owned(), each(definitions)?);
    }
    object(schema, &mut new)?;
    let says_something = ["type", "enum", "anyOf"].iter().any(|name| new.contains_key(*name));
    let has_items = !is_type(schema, "array") || new.contains_key("items");
    (says_something && has_items).then(|| new.into())
}

/// A reference stands alone; what is said of this use of it goes around it.
fn reference_to(reference: &Value, schema: &Map<String, Value>) -> Option<Value> {
    // At the root there are definitions beside it, and the root must be an object.
    if schema.contains_key("$defs") {
        return None;
    }
    let alone = json!({ "$ref": reference });
    Some(match schema.get("description") {
        Some(description) => json!({ "anyOf": [alone], "description": description }),
        None => alone,
    })
}

fn object(schema: &Map<String, Value>, new: &mut Map<String, Value>) -> Option<()> {
    let others = schema.get("additionalProperties");
    if !matches!(others, None | Some(Value::Bool(false))) {
        return None;
    }
    if !is_type(schema, "object") && !schema.contains_key("properties") {
        return Some(());
    }
    // An object without fields of its own is a map, unless it says that it has no others.
    let none = json!({});
    let fields = match (schema.get("properties"), others) {
        (Some(fields), _) => fields,
        (None, Some(_)) => &none,
        (None, None) => return None,
    };
    let names: Vec<&String> = fields.as_object()?.keys().collect();
    new.insert("required".to_owned(), json!(names));
    new.insert("properties".to_owned(), each(fields)?);
    new.insert("additionalProperties".to_owned(), false.into());
    Some(())
}

fn each(schemas: &Value) -> Option<Value> {
    let schemas: Option<Map<String, Value>> =
        schemas.as_object()?.iter().map(|(name, schema)| Some((name.clone(), any(schema)?))).collect();
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
