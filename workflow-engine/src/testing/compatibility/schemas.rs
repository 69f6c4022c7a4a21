//! The comparison of two schemas, field by field, and whether stored values still fit.

use serde_json::{Map, Value};

use super::shape::{alternatives, describe, kind, label, precise, range, required};

/// One difference.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// The path to the value, from the outside in; empty for the whole value.
    pub(super) path: String,
    /// The difference, as the predicate of a sentence: `was removed`.
    pub(super) what: String,
    /// The share of the old schema's values that the new schema admits.
    pub(super) fits: Fit,
}

/// The stored values that fit a new schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    All,
    /// The values that avoid what the new schema excludes.
    Some,
    None,
}

impl Fit {
    /// Returns `All` if `all`, else `Some`.
    fn all_if(all: bool) -> Self {
        if all { Self::All } else { Self::Some }
    }
}

/// Returns the differences between `old` and `new`, both in normal form.
pub(super) fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let mut found = Found(Vec::new());
    found.compare("", old, new);
    found.0
}

struct Found(Vec<Difference>);

impl Found {
    fn add(&mut self, path: &str, fits: Fit, what: impl Into<String>) {
        self.0.push(Difference { path: path.to_owned(), what: what.into(), fits });
    }

    fn compare(&mut self, path: &str, old: &Value, new: &Value) {
        if old == new {
            return;
        }
        let (old_parts, new_parts) = (alternatives(old), alternatives(new));
        let removed: Vec<&Value> = old_parts.iter().filter(|part| !new_parts.contains(part)).collect();
        let added: Vec<&Value> = new_parts.iter().filter(|part| !old_parts.contains(part)).collect();
        match (removed.as_slice(), added.as_slice()) {
            // The alternatives are the same, but their surrounding keywords differ.
            ([], []) => self.keywords(path, old, new),
            ([old], [new]) if label(old) == label(new) || old_parts.len() == 1 && new_parts.len() == 1 => {
                self.one(path, old, new);
            }
            _ if removed.len() == old_parts.len()
                && added.len() == new_parts.len()
                && !share_a_label(&removed, &added) =>
            {
                self.changed(path, &describe(old), &describe(new), Fit::None);
            }
            _ => self.parts(path, removed, added),
        }
    }

    /// Compares alternatives that were changed, removed and added.
    fn parts(&mut self, path: &str, removed: Vec<&Value>, mut added: Vec<&Value>) {
        for old in removed {
            match added.iter().position(|new| label(new) == label(old)) {
                Some(at) => self.one(path, old, added.remove(at)),
                None => self.add(path, Fit::Some, format!("no longer allows {}", label(old))),
            }
        }
        for new in added {
            self.add(path, Fit::All, format!("now allows {} as well", label(new)));
        }
    }

    /// Compares two schemas that have one kind each.
    fn one(&mut self, path: &str, old: &Value, new: &Value) {
        match (kind(old), kind(new)) {
            _ if new.as_bool() == Some(true) => self.changed(path, &describe(old), "anything", Fit::All),
            ("integer", "number") => self.changed(path, &describe(old), &describe(new), Fit::All),
            (a, b) if a != b => self.changed(path, &describe(old), &describe(new), Fit::None),
            ("object", _) => {
                self.fields(path, old, new);
                self.keywords(path, old, new);
            }
            ("array", _) => {
                self.items(path, old, new);
                self.keywords(path, old, new);
            }
            ("integer", _) if old.get("format") != new.get("format") => {
                let ((old_low, old_high), (new_low, new_high)) = (range(old), range(new));
                let fits = Fit::all_if(new_low <= old_low && old_high <= new_high);
                self.changed(path, &precise(old), &precise(new), fits);
            }
            // A float of another width is read with another precision, but it decodes.
            ("number", _) if old.get("format") != new.get("format") => {
                self.changed(path, &precise(old), &precise(new), Fit::All);
            }
            ("string", _) if old.get("format") != new.get("format") => {
                self.changed(path, &precise(old), &precise(new), Fit::all_if(new.get("format").is_none()));
            }
            ("anything", _) if old.get("const").is_some() => {
                self.changed(path, &describe(old), &describe(new), Fit::None);
            }
            _ => self.keywords(path, old, new),
        }
    }

    /// Compares the items of arrays: a list has one schema for all items, a tuple one for each.
    fn items(&mut self, path: &str, old: &Value, new: &Value) {
        match (tuple(old), tuple(new)) {
            (None, None) => {
                let anything = Value::Bool(true);
                let items = |schema: &Value| schema.get("items").unwrap_or(&anything).clone();
                self.compare(&format!("{path}[]"), &items(old), &items(new));
            }
            (Some(old), Some(new)) if old.len() == new.len() => {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    self.compare(&inside(path, &index.to_string()), old, new);
                }
            }
            _ => self.changed(path, &describe(old), &describe(new), Fit::None),
        }
    }

    fn changed(&mut self, path: &str, old: &str, new: &str, fits: Fit) {
        self.add(path, fits, format!("changed from {old} to {new}"));
    }

    fn fields(&mut self, path: &str, old: &Value, new: &Value) {
        let (old_fields, new_fields) = (properties(old), properties(new));
        let (was_required, is_required) = (required(old), required(new));
        let refuses = new.get("additionalProperties") == Some(&Value::Bool(false));
        for (name, old) in &old_fields {
            let path = inside(path, name);
            let Some(new) = new_fields.get(name) else {
                if refuses {
                    self.add(&path, Fit::None, "was removed, and unknown fields are refused");
                } else {
                    self.add(&path, Fit::All, "was removed");
                }
                continue;
            };
            self.compare(&path, old, new);
            match (was_required.contains(&name.as_str()), is_required.contains(&name.as_str())) {
                // An `Option` was added or removed, which was reported already.
                _ if admits_null(old) != admits_null(new) => {}
                (false, true) => self.add(&path, Fit::Some, "may no longer be missing"),
                (true, false) => self.add(&path, Fit::All, "may now be missing"),
                _ => {}
            }
        }
        for name in new_fields.keys().filter(|name| !old_fields.contains_key(*name)) {
            let path = inside(path, name);
            if is_required.contains(&name.as_str()) {
                self.add(&path, Fit::None, "is new and has no default");
            } else {
                self.add(&path, Fit::All, "is new, and may be missing");
            }
        }
        if let (Some(old @ Value::Object(_)), Some(new @ Value::Object(_))) =
            (old.get("additionalProperties"), new.get("additionalProperties"))
        {
            self.compare(&inside(path, "*"), old, new);
        }
    }

    /// Compares the keywords that no other rule covers.
    fn keywords(&mut self, path: &str, old: &Value, new: &Value) {
        let tuples = tuple(old).is_some() && tuple(new).is_some();
        let (mut old, mut new) = (keyed(old), keyed(new));
        if tuples {
            // The length of a tuple is that of `prefixItems`.
            for key in ["minItems", "maxItems"] {
                old.remove(key);
                new.remove(key);
            }
        }
        for key in old.keys().chain(new.keys().filter(|key| !old.contains_key(*key))) {
            match (old.get(key), new.get(key)) {
                (old, new) if old == new => {}
                (Some(old), Some(new)) => {
                    let fits = Fit::all_if(wider(key, old, new));
                    self.add(path, fits, format!("has another `{key}`: {}, not {}", short(new), short(old)));
                }
                (None, Some(new)) => {
                    // Refusing unknown fields is harmless by itself; removed fields are reported separately.
                    let fits = Fit::all_if(key == "additionalProperties" && new == &Value::Bool(false));
                    self.add(path, fits, format!("has a new `{key}`: {}", short(new)));
                }
                (Some(_), None) => self.add(path, Fit::All, format!("no longer has a `{key}`")),
                (None, None) => {}
            }
        }
    }
}

fn share_a_label(removed: &[&Value], added: &[&Value]) -> bool {
    removed.iter().any(|old| added.iter().any(|new| label(old) == label(new)))
}

fn admits_null(schema: &Value) -> bool {
    alternatives(schema).iter().any(|part| kind(part) == "null")
}

fn tuple(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("prefixItems").and_then(Value::as_array)
}

fn properties(schema: &Value) -> Map<String, Value> {
    schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

fn inside(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Returns the keywords that [`Found::keywords`] covers.
fn keyed(schema: &Value) -> Map<String, Value> {
    const ELSEWHERE: [&str; 9] =
        ["type", "properties", "required", "items", "prefixItems", "oneOf", "anyOf", "enum", "const"];
    let mut object = schema.as_object().cloned().unwrap_or_default();
    object.retain(|key, value| {
        let elsewhere = ELSEWHERE.contains(&key.as_str());
        !(elsewhere || key == "additionalProperties" && value.is_object())
    });
    object
}

/// Whether the new value of a keyword excludes no more than the old one.
fn wider(key: &str, old: &Value, new: &Value) -> bool {
    let (Some(old), Some(new)) = (old.as_f64(), new.as_f64()) else {
        return new == &Value::Bool(true);
    };
    match key {
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => new <= old,
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => new >= old,
        _ => false,
    }
}

/// Formats a value for a sentence, shortened if it is long.
fn short(value: &Value) -> String {
    const LONGEST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("`{}…`", &text[..cut]),
        None => format!("`{text}`"),
    }
}
