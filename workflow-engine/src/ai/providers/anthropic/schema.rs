//! JSON Schemas for Anthropic's structured outputs.
//!
//! Structured outputs support a part of JSON Schema and refuse the rest with status 400. Constraints on a value, such as
//! `minimum` and `pattern`, move into the description, as in Anthropic's own SDKs. The session validates the response
//! against the whole schema.

use serde_json::{Map, Value, json};

const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// Converts a schema into the supported part, or returns `None` if that is impossible: for maps with arbitrary keys, values
/// of any type, and recursive types.
pub(super) fn strict(schema: &Value) -> Option<Value> {
    if is_recursive(schema, schema, &mut Vec::new()) {
        return None;
    }
    convert(schema)
}

fn convert(schema: &Value) -> Option<Value> {
    let schema = schema.as_object()?;
    let mut out = Map::new();
    for definitions in ["$defs", "definitions"] {
        if let Some(all) = schema.get(definitions) {
            out.insert(definitions.into(), convert_values(all)?);
        }
    }
    if let Some(reference) = schema.get("$ref") {
        // A reference must have no siblings.
        out.insert("$ref".into(), reference.clone());
        return Some(Value::Object(out));
    }
    let mut notes = Vec::new();
    for (key, value) in schema {
        match key.as_str() {
            "additionalProperties" if value != &Value::Bool(false) => return None,
            "additionalProperties"
            | "$defs"
            | "definitions"
            | "$schema"
            | "$id"
            | "$comment"
            | "examples" => {}
            "type" | "const" | "description" | "title" | "required" => {
                out.insert(key.clone(), value.clone());
            }
            "enum" if value.as_array()?.iter().all(|one| !one.is_object() && !one.is_array()) => {
                out.insert(key.clone(), value.clone());
            }
            "enum" => return None,
            "properties" => {
                out.insert(key.clone(), convert_values(value)?);
            }
            "items" => {
                out.insert(key.clone(), convert(value)?);
            }
            "anyOf" | "oneOf" => {
                out.insert("anyOf".into(), convert_all(value)?);
            }
            "allOf" => {
                out.insert(key.clone(), convert_all(value)?);
            }
            "format" if FORMATS.iter().any(|format| value == format) => {
                out.insert(key.clone(), value.clone());
            }
            // The width of a Rust number means nothing to a model.
            "format" if !is_of(schema, "string") => {}
            "minItems" if value == 0 || value == 1 => {
                out.insert(key.clone(), value.clone());
            }
            _ => notes.push(format!("{key}: {value}")),
        }
    }
    if is_of(schema, "object") {
        // Without properties the schema allows any object.
        out.get("properties")?;
        out.insert("additionalProperties".into(), json!(false));
    }
    if !["type", "const", "enum", "anyOf", "allOf"].iter().any(|key| out.contains_key(*key)) {
        return None;
    }
    if !notes.is_empty() {
        let notes = format!("{{{}}}", notes.join(", "));
        let description = match out.get("description").and_then(Value::as_str) {
            Some(description) => format!("{description}\n\n{notes}"),
            None => notes,
        };
        out.insert("description".into(), description.into());
    }
    Some(Value::Object(out))
}

fn convert_values(schemas: &Value) -> Option<Value> {
    let mut out = Map::new();
    for (name, schema) in schemas.as_object()? {
        out.insert(name.clone(), convert(schema)?);
    }
    Some(Value::Object(out))
}

fn convert_all(schemas: &Value) -> Option<Value> {
    schemas.as_array()?.iter().map(convert).collect()
}

fn is_of(schema: &Map<String, Value>, wanted: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == wanted,
        Some(Value::Array(several)) => several.iter().any(|one| one == wanted),
        _ => false,
    }
}

/// Whether following references leads back to one of `followed`.
fn is_recursive<'a>(root: &'a Value, schema: &'a Value, followed: &mut Vec<&'a str>) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| match (key.as_str(), value) {
            ("$defs" | "definitions", _) => false,
            ("$ref", Value::String(reference)) => {
                let Some(path) = reference.strip_prefix('#') else { return false };
                if path.is_empty() || followed.contains(&path) {
                    return true;
                }
                let Some(target) = root.pointer(path) else { return false };
                followed.push(path);
                let found = is_recursive(root, target, followed);
                followed.pop();
                found
            }
            _ => is_recursive(root, value, followed),
        }),
        Value::Array(all) => all.iter().any(|one| is_recursive(root, one, followed)),
        _ => false,
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
