//! Describing the fields of a record.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::missing::{from_nothing, missing_field};
use crate::definition::{FLATTENED, Rule, is_without_rules};
use crate::language::Stage;
use crate::value::{Storable, Stored};

/// Collects the description of a record's fields.
#[derive(Debug)]
pub struct ObjectSchema<'a> {
    generator: &'a mut SchemaGenerator,
    properties: Map<String, Value>,
    required: Vec<Value>,
    merged: Vec<Value>,
    /// Whether a flattened field accepts keys that no schema names.
    open: bool,
    /// Keys that several fields have.
    clashes: Vec<Value>,
}

impl<'a> ObjectSchema<'a> {
    pub(super) fn new(generator: &'a mut SchemaGenerator) -> Self {
        Self {
            generator,
            properties: Map::new(),
            required: Vec::new(),
            merged: Vec::new(),
            open: false,
            clashes: Vec::new(),
        }
    }

    /// A field without a default. It is required, unless an absent key can be read, as for an `Option`.
    pub(crate) fn required<T: Storable>(&mut self, key: &'static str, doc: &str) {
        if missing_field::<T, serde_json::Error>(key).is_err() {
            self.required.push(key.into());
        }
        self.property::<T>(key, doc, None);
    }

    /// A field with a default.
    pub(crate) fn defaulted<T: Storable>(&mut self, key: &str, doc: &str, default: &T) {
        let default = serde_json::to_value(Stored(default)).ok();
        self.property::<T>(key, doc, default);
    }

    /// A stage's configuration under the stage's id.
    pub(crate) fn stage<S: Stage>(&mut self) {
        let default = from_nothing::<S::Config, serde_json::Error>();
        if default.is_err() {
            self.required.push(S::DECLARATION.id.into());
        }
        let default = default.ok().and_then(|config| serde_json::to_value(config).ok());
        self.property::<S::Config>(S::DECLARATION.id, "", default);
    }

    /// A field whose keys stand among those of the record.
    pub(crate) fn flattened<T: Storable>(&mut self) {
        let mut schema = T::own_schema(self.generator).to_value();
        let Value::Object(object) = &mut schema else { return };
        let properties = object.remove("properties");
        self.open |= properties.is_none()
            || object.get("additionalProperties").is_some_and(|others| *others != Value::Bool(false));
        if let Some(Value::Object(properties)) = properties {
            let twice = properties.keys().filter(|key| self.properties.contains_key(*key));
            self.clashes.extend(twice.map(|key| Value::from(key.as_str())));
            self.properties.extend(properties);
        }
        if let Some(Value::Array(required)) = object.remove("required") {
            self.required.extend(required);
        }
        // These keywords describe the nested type, not the record.
        for key in ["type", "title", "description", "additionalProperties"] {
            object.remove(key);
        }
        if !object.is_empty() {
            self.merged.push(schema);
        }
    }

    /// Adds the rules of the field `key`, which must already be described.
    pub(crate) fn ruled(&mut self, key: &str, rules: &[Rule]) {
        if is_without_rules(self.generator) {
            return;
        }
        if let Some(Value::Object(schema)) = self.properties.get_mut(key) {
            for rule in rules {
                rule.describe(schema);
            }
        }
    }

    fn property<T: Storable>(&mut self, key: &str, doc: &str, default: Option<Value>) {
        let mut schema = T::sub_schema(self.generator);
        if !doc.is_empty() {
            schema.insert("description".into(), doc.into());
        }
        if let Some(default) = default {
            schema.insert("default".into(), default);
        }
        self.properties.insert(key.into(), schema.to_value());
    }

    pub(super) fn finish(self, strict: bool, flattened: bool) -> Schema {
        let mut schema = Map::new();
        if flattened && is_without_rules(self.generator) {
            let open = self.open || !self.merged.is_empty();
            schema.insert(FLATTENED.into(), json!({"open": open, "clashes": self.clashes}));
        }
        schema.insert("type".into(), "object".into());
        schema.insert("properties".into(), Value::Object(self.properties));
        if !self.required.is_empty() {
            schema.insert("required".into(), Value::Array(self.required));
        }
        if self.merged.is_empty() {
            if strict {
                schema.insert("additionalProperties".into(), json!(false));
            }
        } else {
            schema.insert("allOf".into(), Value::Array(self.merged));
        }
        Schema::from(schema)
    }
}
