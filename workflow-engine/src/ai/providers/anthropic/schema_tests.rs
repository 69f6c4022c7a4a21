//! Which constraints move into descriptions, and which schemas cannot be converted.

use super::*;

#[test]
fn constraints_move_into_the_description() {
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
fn a_schema_that_cannot_be_converted_is_refused() {
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
