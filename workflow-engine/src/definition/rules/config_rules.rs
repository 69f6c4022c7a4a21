//! The rules of a whole configuration.

use serde_json::Value;

use super::tree::Node;

/// The rules of a stage's configuration: those of its fields, and those that the fields' own types have in their
/// schemas, however deep.
#[derive(Debug, Default)]
pub(crate) struct ConfigRules {
    root: Node,
    /// The types that the schema refers to, under their names.
    types: Vec<(String, Node)>,
}

impl ConfigRules {
    /// The rules in a schema. The second part is what is wrong with them, a sentence each.
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

    pub(crate) fn is_empty(&self) -> bool {
        !self.root.has_rules() && !self.types.iter().any(|(_, node)| node.has_rules())
    }

    /// What is wrong with a complete configuration.
    pub(crate) fn check(&self, config: &Value) -> Result<(), String> {
        let mut broken = Vec::new();
        self.root.check("", config, &self.types, &mut broken);
        if broken.is_empty() { Ok(()) } else { Err(broken.join("; ")) }
    }
}
