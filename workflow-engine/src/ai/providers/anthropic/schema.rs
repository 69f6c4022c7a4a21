//! A JSON Schema as Anthropic's structured outputs take it.
//!
//! They know a part of JSON Schema, and refuse the rest with a 400. What narrows a value (`minimum`, `pattern`) goes
//! into the description, as Anthropic's own SDKs do it; whoever asked checks the answer against the whole schema.

use serde_json::{Map, Value, json};

const FORMATS: [&str; 10] =
    ["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// The schema in that part, or `None` where it cannot be said there: maps with free keys, values of any type,
/// types that contain themselves.
pub(super) fn strict(schema: &Value) -> Option<Value> {
    if contains_itself(schema, schema, &mut Vec::new()) {
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
        // Nothing may stand beside a reference.
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
            // How wide a number is in Rust says nothing to a model.
            "format" if !is_of(schema, "string") => {}
            "minItems" if value == 0 || value == 1 => {
                out.insert(key.clone(), value.clone());
            }
            _ => notes.push(format!("{key}: {value}")),
        }
    }
    if is_of(schema, "object") {
        // Without properties it is any object.
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

/// Whether a reference leads back to where it was followed from. `open` are those on the way here.
fn contains_itself<'a>(root: &'a Value, schema: &'a Value, open: &mut Vec<&'a str>) -> bool {
    match schema {
        Value::Object(map) => map.iter().any(|(key, value)| match (key.as_str(), value) {
            ("$defs" | "definitions", _) => false,
            ("$ref", Value::String(reference)) => {
                let Some(path) = reference.strip_prefix('#') else { return false };
                if path.is_empty() || open.contains(&path) {
                    return true;
                }
                let Some(target) = root.pointer(path) else { return false };
                open.push(path);
                let found = contains_itself(root, target, open);
                open.pop();
                found
            }
            _ => contains_itself(root, value, open),
        }),
        Value::Array(all) => all.iter().any(|one| contains_itself(root, one, open)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_narrows_goes_into_the_description() {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Person",
            "type": "object",
            "properties": {
                "age": {"type": "integer", "format": "uint8", "minimum": 0, "maximum": 255},
                "mail": {"type": ["string", "null"], "format": "email", "description": "Where to write."},
                "pets": {"type": "array", "items": {"$ref": "#/$defs/Pet", "description": "a pet"}, "minItems": 2},
            },
            "required": ["age"],
            "$defs": {"Pet": {"oneOf": [{"const": "cat"}, {"enum": ["dog", 1]}]}},
        });
        let expected = json!({
            "title": "Person",
            "type": "object",
            "properties": {
                "age": {"type": "integer", "description": "{maximum: 255, minimum: 0}"},
                "mail": {"type": ["string", "null"], "format": "email", "description": "Where to write."},
                "pets": {"type": "array", "items": {"$ref": "#/$defs/Pet"}, "description": "{minItems: 2}"},
            },
            "required": ["age"],
            "additionalProperties": false,
            "$defs": {"Pet": {"anyOf": [{"const": "cat"}, {"enum": ["dog", 1]}]}},
        });
        assert_eq!(strict(&schema), Some(expected));
    }

    #[test]
    fn what_cannot_be_said_is_not_narrowed_silently() {
        let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
        let list = json!({
            "$ref": "#/$defs/List",
            "$defs": {"List": {"type": "object", "properties": {"next": {"$ref": "#/$defs/List"}}}},
        });
        let itself = json!({"type": "array", "items": {"$ref": "#"}});
        let anything = json!({"type": "array", "items": true});
        let untyped = json!({"type": "object", "properties": {"any": {"description": "whatever"}}});
        for schema in [map, list, itself, anything, untyped] {
            assert_eq!(strict(&schema), None, "{schema}");
        }
    }
}
