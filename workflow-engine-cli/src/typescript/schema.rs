//! A JSON Schema as a TypeScript type.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use serde_json::{Map, Value};

/// The declarations of a file. Definitions with one name and one schema are declared once.
#[derive(Debug, Default)]
pub struct Types {
    /// The names that are taken, each with its schema.
    taken: BTreeMap<String, Value>,
    declarations: String,
}

/// The names of the definitions of one schema: `#/$defs/Point` may be `Point` or `Point2`.
type Names = HashMap<String, String>;

impl Types {
    /// Declares a schema with its definitions, and returns its name.
    pub fn root(&mut self, name: &str, schema: &Value) -> String {
        let mut own = schema.clone();
        if let Some(own) = own.as_object_mut() {
            own.remove("$defs");
        }
        let (name, is_new) = self.name(name, &own);
        // A type that contains itself refers to its whole schema.
        let mut names = Names::from([("#".to_owned(), name.clone())]);
        let definitions = schema["$defs"].as_object().cloned().unwrap_or_default();
        let mut new = Vec::new();
        for (key, definition) in &definitions {
            let (name, is_new) = self.name(&super::pascal(key), definition);
            names.insert(key.clone(), name.clone());
            if is_new {
                new.push((name, definition));
            }
        }
        for (name, definition) in new {
            self.declare(&name, definition, &names);
        }
        if is_new {
            self.declare(&name, &own, &names);
        }
        name
    }

    /// Returns all declarations.
    pub fn finish(self) -> String {
        self.declarations
    }

    /// Returns a free name for a schema, or the one that it has already.
    fn name(&mut self, wanted: &str, schema: &Value) -> (String, bool) {
        let numbered = (2..).map(|number: u32| format!("{wanted}{number}"));
        for name in std::iter::once(wanted.to_owned()).chain(numbered) {
            match self.taken.get(&name) {
                Some(taken) if taken == schema => return (name, false),
                Some(_) => {}
                None => {
                    self.taken.insert(name.clone(), schema.clone());
                    return (name, true);
                }
            }
        }
        unreachable!("there is a free number")
    }

    fn declare(&mut self, name: &str, schema: &Value, names: &Names) {
        if let Some(about) = schema["description"].as_str() {
            // Writing to a `String` cannot fail, here and below.
            let _ = writeln!(self.declarations, "/** {} */", comment(about));
        }
        let _ = writeln!(self.declarations, "export type {name} = {};\n", type_of(schema, names, 0));
    }
}

/// Returns a text that does not end its comment.
pub fn comment(text: &str) -> String {
    text.replace("*/", "*\\/").lines().collect::<Vec<_>>().join("\n * ")
}

/// Returns the type of the values that match a schema.
fn type_of(schema: &Value, names: &Names, depth: usize) -> String {
    let Value::Object(schema) = schema else {
        return if *schema == Value::Bool(false) { "never".to_owned() } else { "unknown".to_owned() };
    };
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let key = reference.rsplit('/').next().unwrap_or_default().replace("~1", "/").replace("~0", "~");
        return names.get(&key).cloned().unwrap_or_else(|| "unknown".to_owned());
    }
    if let Some(value) = schema.get("const") {
        return literal(value);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return union(values.iter().map(literal));
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(branches) = schema.get(key).and_then(Value::as_array) {
            let branches = union(branches.iter().map(|branch| type_of(branch, names, depth)));
            // Fields beside the branches belong to each of them.
            return if schema.contains_key("properties") {
                format!("{} & ({branches})", object(schema, names, depth))
            } else {
                branches
            };
        }
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let own = schema.contains_key("properties").then(|| object(schema, names, depth));
        let parts = parts.iter().map(|part| format!("({})", type_of(part, names, depth)));
        return own.into_iter().chain(parts).collect::<Vec<_>>().join(" & ");
    }
    match schema.get("type") {
        Some(Value::Array(kinds)) => {
            union(kinds.iter().filter_map(Value::as_str).map(|kind| of_kind(kind, schema, names, depth)))
        }
        Some(Value::String(kind)) => of_kind(kind, schema, names, depth),
        _ if schema.contains_key("properties") => object(schema, names, depth),
        _ => "unknown".to_owned(),
    }
}

fn of_kind(kind: &str, schema: &Map<String, Value>, names: &Names, depth: usize) -> String {
    match kind {
        "string" => "string".to_owned(),
        "integer" | "number" => "number".to_owned(),
        "boolean" => "boolean".to_owned(),
        "null" => "null".to_owned(),
        "array" => array(schema, names, depth),
        "object" => object(schema, names, depth),
        _ => "unknown".to_owned(),
    }
}

fn array(schema: &Map<String, Value>, names: &Names, depth: usize) -> String {
    if let Some(items) = schema.get("prefixItems").and_then(Value::as_array) {
        let items: Vec<String> = items.iter().map(|item| type_of(item, names, depth)).collect();
        return format!("[{}]", items.join(", "));
    }
    let item = schema.get("items").map_or_else(|| "unknown".to_owned(), |items| type_of(items, names, depth));
    let is_simple = item.chars().all(|character| character.is_alphanumeric() || character == '_');
    if is_simple { format!("{item}[]") } else { format!("Array<{item}>") }
}

fn object(schema: &Map<String, Value>, names: &Names, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut fields = String::new();
    for (key, field) in properties.into_iter().flatten() {
        if let Some(about) = field["description"].as_str() {
            let _ = writeln!(
                fields,
                "{indent}  /** {} */",
                comment(about).replace('\n', &format!("\n{indent}  "))
            );
        }
        let mark = if required.contains(&key.as_str()) { "" } else { "?" };
        let _ =
            writeln!(fields, "{indent}  {}{mark}: {};", name_of_field(key), type_of(field, names, depth + 1));
    }
    let others = match schema.get("additionalProperties") {
        Some(Value::Bool(_)) | None => None,
        Some(values) => Some(type_of(values, names, depth)),
    };
    match (fields.is_empty(), others) {
        (true, Some(others)) => format!("Record<string, {others}>"),
        (true, None) if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
            "Record<string, never>".to_owned()
        }
        (true, None) => "Record<string, unknown>".to_owned(),
        (false, others) => {
            let others = others.map(|others| format!(" & Record<string, {others}>")).unwrap_or_default();
            format!("{{\n{fields}{indent}}}{others}")
        }
    }
}

fn name_of_field(key: &str) -> String {
    let is_start = |character: char| character.is_ascii_alphabetic() || character == '_' || character == '$';
    let is_plain = key.starts_with(is_start)
        && key.chars().all(|character| is_start(character) || character.is_ascii_digit());
    if is_plain { key.to_owned() } else { Value::from(key).to_string() }
}

fn literal(value: &Value) -> String {
    match value {
        // An object or an array is no literal type.
        Value::Object(_) | Value::Array(_) => "unknown".to_owned(),
        value => value.to_string(),
    }
}

/// Joins types, each once.
fn union(types: impl Iterator<Item = String>) -> String {
    let mut once: Vec<String> = Vec::new();
    for one in types {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    if once.is_empty() { "never".to_owned() } else { once.join(" | ") }
}
