//! Tests of the generated types.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::schema::Types;
use super::*;

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Shape {
    Circle { radius: f64 },
    Square { side: f64 },
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Tree {
    /// The name on it.
    name: Option<String>,
    children: Vec<Tree>,
    shape: Shape,
    #[serde(default)]
    numbers: BTreeMap<String, u64>,
    pair: (i32, bool),
    #[serde(rename = "a key")]
    odd: Vec<Option<u8>>,
}

use std::collections::BTreeMap;

fn declared(name: &str, schema: &Value) -> String {
    let mut types = Types::default();
    types.root(name, schema);
    types.finish()
}

#[test]
fn the_schema_of_a_type_is_a_type() {
    let schema = schemars::schema_for!(Tree).to_value();
    let text = declared("Root", &schema);
    for expected in [
        "export type Shape = {\n  kind: \"circle\";\n  radius: number;\n} | {",
        "  /** The name on it. */\n  name?: string | null;\n",
        "  children: Root[];\n",
        "  shape: Shape;\n",
        "  numbers?: Record<string, number>;\n",
        "  pair: [number, boolean];\n",
        "  \"a key\": Array<number | null>;\n",
    ] {
        assert!(text.contains(expected), "`{expected}` is missing:\n{text}");
    }
}

#[test]
fn definitions_of_one_name_are_one_type_only_if_they_are_equal() {
    let of = |kind: &str| json!({ "$ref": "#/$defs/Point", "$defs": { "Point": { "type": kind } } });
    let mut types = Types::default();
    types.root("A", &of("string"));
    types.root("B", &of("string"));
    types.root("C", &of("number"));
    let text = types.finish();
    assert_eq!(text.matches("export type Point = string;").count(), 1, "{text}");
    assert!(text.contains("export type B = Point;") && text.contains("export type C = Point2;"), "{text}");
}

#[test]
fn a_comment_cannot_end_early() {
    let text = declared("A", &json!({ "type": "string", "description": "ends */ here\nand goes further" }));
    assert!(text.starts_with("/** ends *\\/ here\n * and goes further */\n"), "{text}");
}

#[test]
fn what_a_schema_can_say_has_a_type() {
    for (schema, expected) in [
        (json!(true), "unknown"),
        (json!(false), "never"),
        (json!({ "enum": ["a", 1, null] }), "\"a\" | 1 | null"),
        (json!({ "const": true }), "true"),
        (json!({ "type": ["integer", "null"] }), "number | null"),
        (json!({ "type": "object" }), "Record<string, unknown>"),
        (json!({ "type": "object", "additionalProperties": false }), "Record<string, never>"),
        (json!({ "allOf": [{ "type": "string" }, { "minLength": 1 }] }), "(string) & (unknown)"),
        (json!({ "$ref": "#/$defs/Missing" }), "unknown"),
    ] {
        assert_eq!(declared("A", &schema), format!("export type A = {expected};\n\n"));
    }
}

#[test]
fn an_id_becomes_a_name() {
    assert_eq!(pascal("word-report"), "WordReport");
    assert_eq!(pascal("2nd_try"), "_2ndTry");
}
