//! The normal form of a JSON Schema: only the parts that decide which values it admits.

use schemars::Schema;
use serde_json::{Map, Value};

/// Keywords that only explain a schema: changing one does not change which values are admitted.
const ANNOTATIONS: [&str; 10] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "definitions",
    super::config::FLATTENED,
];

/// Removes annotations, replaces references by their definitions, and sorts keys and sets.
///
/// A recursive reference becomes the number of levels up to its definition, so that the name of the definition does not
/// matter.
pub(crate) fn normal_form(schema: Schema) -> Value {
    let root = schema.to_value();
    let definitions = root.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    sorted(Normalizer { root: &root, definitions: &definitions, open: Vec::new() }.schema(&root))
}

struct Normalizer<'a> {
    root: &'a Value,
    definitions: &'a Map<String, Value>,
    /// The references that are being replaced, outermost first.
    open: Vec<String>,
}

impl Normalizer<'_> {
    fn schema(&mut self, schema: &Value) -> Value {
        match schema {
            Value::Object(object) => self.object(object),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.schema(item)).collect()),
            other => other.clone(),
        }
    }

    fn object(&mut self, object: &Map<String, Value>) -> Value {
        let mut normal = Map::new();
        for (key, value) in object {
            match key.as_str() {
                "$ref" => {
                    let target = self.reference(value);
                    match target {
                        // Keys beside a reference apply too, and take precedence over those of the definition.
                        Value::Object(target) => {
                            for (key, value) in target {
                                normal.entry(key).or_insert(value);
                            }
                        }
                        other => drop(normal.insert("$ref".into(), other)),
                    }
                }
                "$defs" => {}
                key if ANNOTATIONS.contains(&key) => {}
                // These keys are names of fields, not keywords: a field can have the name `title`.
                "properties" | "patternProperties" | "dependentSchemas" => {
                    let fields = value.as_object().into_iter().flatten();
                    let fields = fields.map(|(name, schema)| (name.clone(), self.schema(schema))).collect();
                    normal.insert(key.clone(), Value::Object(fields));
                }
                // The order does not change which values are admitted.
                "required" | "enum" | "type" => drop(normal.insert(key.clone(), as_set(value.clone()))),
                "anyOf" | "oneOf" | "allOf" => {
                    let alternatives = self.schema(value);
                    normal.insert(key.clone(), as_set(sorted(alternatives)));
                }
                "const" => drop(normal.insert(key.clone(), value.clone())),
                _ => drop(normal.insert(key.clone(), self.schema(value))),
            }
        }
        Value::Object(normal)
    }

    fn reference(&mut self, target: &Value) -> Value {
        let target = target.as_str().unwrap_or_default();
        if let Some(at) = self.open.iter().position(|open| open == target) {
            return Value::from(format!("up {}", self.open.len() - at));
        }
        let definition = match target.strip_prefix("#/$defs/") {
            Some(name) => self.definitions.get(name).cloned(),
            None if target == "#" => Some(self.root.clone()),
            None => None,
        };
        let Some(definition) = definition else { return Value::from(target) };
        self.open.push(target.to_owned());
        let normal = self.schema(&definition);
        self.open.pop();
        normal
    }
}

fn as_set(mut value: Value) -> Value {
    if let Value::Array(items) = &mut value {
        items.sort_by_cached_key(ToString::to_string);
    }
    value
}

/// The same value with sorted keys, also if `serde_json` has the feature `preserve_order`.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut entries: Vec<(String, Value)> = object.into_iter().collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(entries.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
