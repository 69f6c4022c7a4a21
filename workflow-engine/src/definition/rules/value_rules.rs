//! The rules of a whole input or configuration.

use serde_json::{Map, Value, json};

use super::rule::Rule;
use super::tree::Node;

/// The rules of an input or of a stage's configuration: those of its fields, and those in the schemas of the fields'
/// types, at every level.
#[derive(Debug, Default)]
pub(crate) struct ValueRules {
    root: Node,
    /// The types that the schema refers to, by name.
    types: Vec<(String, Node)>,
}

impl ValueRules {
    /// Reads the rules in a schema. The second value is the mistakes in them, one sentence each.
    pub(crate) fn new(schema: &Value) -> (Self, Vec<String>) {
        let mut faults = Vec::new();
        let types = schema.get("$defs").and_then(Value::as_object).into_iter().flatten();
        let types = types.map(|(name, schema)| (format!("#/$defs/{name}"), Node::new(schema, &mut faults)));
        let mut found = Self { types: types.collect(), root: Node::default() };
        found.root = Node::new(schema, &mut faults);
        for (field, schema) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(default) = schema.get("default") {
                let mut broken = Vec::new();
                found.root.check_field(field, default, &found.types, &mut broken);
                faults.extend(broken.into_iter().map(|broken| format!("the default of {broken}")));
            }
        }
        (found, faults)
    }

    /// The rules that are written at the fields themselves. The second value is as that of [`new`](Self::new).
    pub(crate) fn of_fields(rules: &[(&'static str, &'static [Rule])]) -> (Self, Vec<String>) {
        let properties = rules.iter().map(|(key, rules)| {
            let mut schema = Map::new();
            rules.iter().for_each(|rule| rule.describe(&mut schema));
            ((*key).to_owned(), Value::Object(schema))
        });
        Self::new(&json!({ "properties": properties.collect::<Map<_, _>>() }))
    }

    pub(crate) fn is_empty(&self) -> bool {
        !self.root.has_rules() && !self.types.iter().any(|(_, node)| node.has_rules())
    }

    /// Checks a complete value; the error names every rule that it breaks.
    pub(crate) fn check(&self, value: &Value) -> Result<(), String> {
        let mut broken = Vec::new();
        self.root.check("", value, &self.types, &mut broken);
        if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
    }
}
