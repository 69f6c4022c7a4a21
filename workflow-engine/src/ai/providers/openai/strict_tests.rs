//! Schemas that schemars generates.

use std::collections::HashMap;

use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

use super::strict;

fn of<T: JsonSchema>() -> Option<Value> {
    strict(&schema_for!(T).to_value())
}

/// A city.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct City {
    /// Its name.
    #[schemars(length(min = 1, max = 80))]
    name: String,
    people: u32,
    #[schemars(range(min = -90.0, max = 90.0))]
    latitude: f64,
    country: Option<String>,
    /// What it is.
    kind: Kind,
    twin: Option<Box<Twin>>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
#[serde(tag = "type")]
enum Kind {
    /// Where the government is.
    Capital,
    Port {
        ships: u8,
    },
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Twin {
    city: String,
    others: Vec<Twin>,
}

#[test]
fn a_struct_is_strict() {
    let schema = of::<City>().unwrap();
    let expected = json!({
        "title": "City",
        "description": "A city.",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "people", "latitude", "country", "kind", "twin"],
        "properties": {
            "name": { "description": "Its name.", "type": "string" },
            "people": { "type": "integer", "minimum": 0 },
            "latitude": { "type": "number", "minimum": -90.0, "maximum": 90.0 },
            "country": { "type": ["string", "null"] },
            "kind": { "anyOf": [{ "$ref": "#/$defs/Kind" }], "description": "What it is." },
            "twin": { "anyOf": [{ "$ref": "#/$defs/Twin" }, { "type": "null" }] },
        },
        "$defs": {
            "Kind": { "anyOf": [
                {
                    "description": "Where the government is.",
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["type"],
                    "properties": { "type": { "type": "string", "enum": ["Capital"] } },
                },
                {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["ships", "type"],
                    "properties": {
                        "type": { "type": "string", "enum": ["Port"] },
                        "ships": { "type": "integer", "minimum": 0, "maximum": 255 },
                    },
                },
            ] },
            "Twin": {
                "type": "object",
                "additionalProperties": false,
                "required": ["city", "others"],
                "properties": {
                    "city": { "type": "string" },
                    "others": { "type": "array", "items": { "$ref": "#/$defs/Twin" } },
                },
            },
        },
    });
    // The order of required fields means nothing.
    assert_eq!(sorted(schema), sorted(expected));
}

fn sorted(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, field) in fields {
                *field = sorted(field.take());
                if let (true, Some(names)) = (name == "required", field.as_array_mut()) {
                    names.sort_by_key(ToString::to_string);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = sorted(item.take())),
        _ => {}
    }
    value
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct WithMap {
    counts: HashMap<String, u32>,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct WithAnything {
    anything: Value,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct WithPair {
    pair: (u8, String),
}

#[test]
fn what_the_decoder_does_not_know_is_left_as_it_is() {
    assert_eq!(of::<WithMap>(), None);
    assert_eq!(of::<WithAnything>(), None);
    assert_eq!(of::<WithPair>(), None);
    // The response must be an object.
    assert_eq!(of::<Vec<String>>(), None);
    assert_eq!(of::<Kind>(), None);
    assert_eq!(strict(&json!({ "type": "object" })), None);
    assert_eq!(strict(&json!({ "type": "object", "properties": { "a": { "not": {} } } })), None);
}
