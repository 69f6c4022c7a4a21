//! The structural difference of two JSON values.

use serde::Serialize;
use serde_json::Value;

/// A place in which two values differ. `None` where a value has no such place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The place, as a JSON pointer.
    pub pointer: String,
    /// The value of the left one.
    pub left: Option<Value>,
    /// The value of the right one.
    pub right: Option<Value>,
}

/// Returns the places in which the values differ, outermost first.
pub fn differences(left: &Value, right: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), Some(left), Some(right), &mut found);
    found
}

fn compare(pointer: String, left: Option<&Value>, right: Option<&Value>, found: &mut Vec<Difference>) {
    match (left, right) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            for key in keys {
                let escaped = key.replace('~', "~0").replace('/', "~1");
                compare(format!("{pointer}/{escaped}"), a.get(key), b.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                compare(format!("{pointer}/{index}"), a.get(index), b.get(index), found);
            }
        }
        (left, right) if left == right => {}
        (left, right) => found.push(Difference { pointer, left: left.cloned(), right: right.cloned() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_is_named_once() {
        let found = differences(
            &json!({ "a": 1, "list": [1, 2], "same": { "x": null } }),
            &json!({ "a": 2, "list": [1], "same": { "x": null }, "new/key": true }),
        );
        let places: Vec<&str> = found.iter().map(|difference| difference.pointer.as_str()).collect();
        assert_eq!(places, ["/a", "/list/1", "/new~1key"]);
        assert_eq!((&found[1].left, &found[1].right), (&Some(json!(2)), &None));
        assert_eq!(differences(&json!(1), &json!(1)), []);
    }
}
