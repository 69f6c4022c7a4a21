//! The rules of a schema as a tree with the structure of the values.

use serde_json::{Map, Value};

use super::field_rule::FieldRule;

/// The rules of one value and of the values inside it.
#[derive(Debug, Default)]
pub(crate) struct Node {
    rules: Vec<FieldRule>,
    fields: Vec<(String, Node)>,
    /// The rules of each item of a list.
    items: Option<Box<Node>>,
    /// The rules of each entry of a map.
    entries: Option<Box<Node>>,
    /// The rules of other schemas for the same value.
    all: Vec<Node>,
    /// The type whose rules apply, `#/$defs/…`.
    reference: Option<String>,
}

/// The keywords of rules.
const KEYWORDS: [&str; 10] = [
    "minimum",
    "maximum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "pattern",
];

impl Node {
    /// Reads a schema. Patterns that cannot be parsed are added to `faults`.
    pub(crate) fn new(schema: &Value, faults: &mut Vec<String>) -> Self {
        let Value::Object(schema) = schema else { return Self::default() };
        let mut node = Self {
            reference: schema.get("$ref").and_then(Value::as_str).map(str::to_owned),
            items: schema.get("items").map(|items| Box::new(Self::new(items, faults))),
            entries: schema.get("additionalProperties").map(|entries| Box::new(Self::new(entries, faults))),
            ..Self::default()
        };
        for keyword in KEYWORDS {
            let Some(value) = schema.get(keyword).filter(|value| !is_of_the_type(schema, keyword, value))
            else {
                continue;
            };
            match FieldRule::new(keyword, value) {
                Ok(rule) => node.rules.extend(rule),
                Err(error) => faults.push(format!("cannot be read: {error}")),
            }
        }
        for (field, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let mut own = Vec::new();
            node.fields.push((field.clone(), Self::new(schema, &mut own)));
            // The innermost field has the pattern.
            faults.extend(own.into_iter().map(|fault| match fault.strip_prefix("cannot") {
                Some(rest) => format!("the pattern of `{field}` cannot{rest}"),
                None => fault,
            }));
        }
        for schema in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            node.all.push(Self::new(schema, faults));
        }
        // An `Option` has one schema besides that of `null`. With several others, the schema of a value is ambiguous.
        if let Some(Value::Array(any)) = schema.get("anyOf") {
            let mut any = any.iter().filter(|schema| schema.get("type").is_none_or(|name| name != "null"));
            if let (Some(only), None) = (any.next(), any.next()) {
                node.all.push(Self::new(only, faults));
            }
        }
        node
    }

    /// Whether this node or a node inside it has a rule.
    pub(crate) fn has_rules(&self) -> bool {
        let within = [&self.items, &self.entries].into_iter().flatten();
        !self.rules.is_empty()
            || self.fields.iter().any(|(_, node)| node.has_rules())
            || self.all.iter().any(Self::has_rules)
            || within.into_iter().any(|node| node.has_rules())
    }

    /// Adds a sentence for each rule that the value at `path` breaks.
    pub(crate) fn check(
        &self,
        path: &str,
        value: &Value,
        types: &[(String, Self)],
        broken: &mut Vec<String>,
    ) {
        let sentences = self.rules.iter().filter_map(|rule| rule.broken_by(value));
        broken.extend(sentences.map(|sentence| format!("`{path}` {sentence}")));
        for node in &self.all {
            node.check(path, value, types, broken);
        }
        let named = self.reference.as_ref().and_then(|name| types.iter().find(|(other, _)| other == name));
        if let Some((_, node)) = named {
            node.check(path, value, types, broken);
        }
        match value {
            Value::Object(values) => {
                for (key, value) in values {
                    self.check_entry(key, &within(path, key), value, types, broken);
                }
            }
            Value::Array(values) => {
                for (at, value) in values.iter().enumerate() {
                    if let Some(items) = &self.items {
                        items.check(&format!("{path}[{at}]"), value, types, broken);
                    }
                }
            }
            _ => {}
        }
    }

    /// As [`check`](Self::check), for the value of one field.
    pub(crate) fn check_field(
        &self,
        field: &str,
        value: &Value,
        types: &[(String, Self)],
        broken: &mut Vec<String>,
    ) {
        self.check_entry(field, field, value, types, broken);
    }

    fn check_entry(
        &self,
        key: &str,
        path: &str,
        value: &Value,
        types: &[(String, Self)],
        broken: &mut Vec<String>,
    ) {
        let field = self.fields.iter().find(|(name, _)| name == key).map(|(_, node)| node);
        if let Some(node) = field.or(self.entries.as_deref()) {
            node.check(path, value, types, broken);
        }
    }
}

fn within(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Whether the keyword only repeats the limits of the number's type, which no value of the type can break.
fn is_of_the_type(schema: &Map<String, Value>, keyword: &str, value: &Value) -> bool {
    let Some(format) = schema.get("format").and_then(Value::as_str) else { return false };
    let bounds: [i64; 2] = match format {
        "uint8" => [0, u8::MAX.into()],
        "uint16" => [0, u16::MAX.into()],
        "uint32" => [0, u32::MAX.into()],
        "int8" => [i8::MIN.into(), i8::MAX.into()],
        "int16" => [i16::MIN.into(), i16::MAX.into()],
        _ if format.starts_with("uint") => [0, i64::MAX],
        _ => return false,
    };
    match keyword {
        "minimum" => value.as_i64() == Some(bounds[0]),
        "maximum" => value.as_i64() == Some(bounds[1]),
        _ => false,
    }
}
