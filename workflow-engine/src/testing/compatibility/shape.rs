//! Descriptions and parts of a schema in normal form.

use serde_json::{Map, Value};

/// Returns the alternatives that a schema admits: several for `Option<T>` and enums, one for everything else.
pub(super) fn alternatives(schema: &Value) -> Vec<Value> {
    let Value::Object(object) = schema else { return vec![schema.clone()] };
    for key in ["oneOf", "anyOf"] {
        if let Some(Value::Array(items)) = object.get(key) {
            return items.iter().flat_map(alternatives).collect();
        }
    }
    if let Some(Value::Array(values)) = object.get("enum") {
        return values.iter().map(|value| constant(value.clone())).collect();
    }
    match object.get("type") {
        Some(Value::Array(kinds)) => kinds
            .iter()
            .map(|kind| {
                // `null` has no format and no bounds, so the keywords belong to the other kinds.
                let mut one = if kind == "null" { Map::new() } else { object.clone() };
                one.insert("type".into(), kind.clone());
                Value::Object(one)
            })
            .collect(),
        _ if object.contains_key("const") => vec![constant(object["const"].clone())],
        _ => vec![schema.clone()],
    }
}

fn constant(value: Value) -> Value {
    Value::Object(Map::from_iter([("const".to_owned(), value)]))
}

/// Returns the label that identifies an alternative: the name of its variant, or else its kind.
pub(super) fn label(schema: &Value) -> String {
    if let Some(value) = schema.get("const") {
        return text(value);
    }
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    // `#[serde(tag = …)]` makes a field with one constant value.
    if let Some((tag, fixed)) = properties.clone().find_map(|(tag, field)| Some((tag, field.get("const")?))) {
        return format!("`{tag}: {}`", fixed.as_str().map_or_else(|| fixed.to_string(), str::to_owned));
    }
    // serde's default makes one field, named like the variant.
    let only = properties.map(|(name, _)| name).collect::<Vec<_>>();
    match (only.as_slice(), required(schema).as_slice()) {
        ([name], [needed]) if name.as_str() == *needed => format!("`{name}`"),
        _ => kind(schema).to_owned(),
    }
}

/// Returns the names of the required fields.
pub(super) fn required(schema: &Value) -> Vec<&str> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).collect()
}

/// Describes the schema in a few words.
pub(super) fn describe(schema: &Value) -> String {
    let parts = alternatives(schema);
    if parts.len() > 1 {
        return parts.iter().map(describe).collect::<Vec<_>>().join(" or ");
    }
    let Some(part) = parts.first() else { return "nothing".to_owned() };
    match (part.get("const"), kind(part)) {
        (Some(value), _) => text(value),
        (None, "array") => match (part.get("prefixItems").and_then(Value::as_array), part.get("items")) {
            (Some(items), _) => format!("({})", items.iter().map(describe).collect::<Vec<_>>().join(", ")),
            (None, Some(items)) => format!("list of {}", describe(items)),
            (None, None) => "list".to_owned(),
        },
        (None, "object") => match part.get("additionalProperties") {
            Some(values @ Value::Object(_)) => format!("map of {}", describe(values)),
            _ => "object".to_owned(),
        },
        (None, kind) => kind.to_owned(),
    }
}

/// Returns the type that the schema names.
pub(super) fn kind(schema: &Value) -> &str {
    match schema.get("type").and_then(Value::as_str) {
        Some(kind) => kind,
        None if schema.get("properties").is_some() => "object",
        None if schema.get("$ref").is_some() => "recursive value",
        None if schema.as_bool() == Some(false) => "nothing",
        None => "anything",
    }
}

/// Returns the type with its width: `integer (uint32)`.
pub(super) fn precise(schema: &Value) -> String {
    let kind = kind(schema);
    match schema.get("format").and_then(Value::as_str) {
        Some(format) => format!("{kind} ({format})"),
        None => kind.to_owned(),
    }
}

/// Returns the range that an integer's format and bounds admit. Bounds beyond 128 bits do not occur, because Rust has
/// no such type.
pub(super) fn range(schema: &Value) -> (i128, i128) {
    let (low, high) = match schema.get("format").and_then(Value::as_str) {
        Some("int8") => (i8::MIN.into(), i8::MAX.into()),
        Some("int16") => (i16::MIN.into(), i16::MAX.into()),
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        Some("int64" | "int") => (i64::MIN.into(), i64::MAX.into()),
        Some("uint8") => (0, u8::MAX.into()),
        Some("uint16") => (0, u16::MAX.into()),
        Some("uint32") => (0, u32::MAX.into()),
        Some("uint64" | "uint") => (0, u64::MAX.into()),
        Some("uint128") => (0, i128::MAX),
        _ => (i128::MIN, i128::MAX),
    };
    let bound = |key| schema.get(key).and_then(Value::as_i64).map(i128::from);
    (
        bound("minimum").map_or(low, |bound| bound.max(low)),
        bound("maximum").map_or(high, |bound| bound.min(high)),
    )
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| format!("`{value}`"), |value| format!("`{value}`"))
}
