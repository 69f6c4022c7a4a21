//! Provider-specific options.

use serde_json::Value;

/// Merges `options` into `body`. Objects are merged field by field at any depth, `null` removes a field, and any other value
/// replaces the field.
pub(crate) fn merge_options(body: &mut Value, options: &Value) {
    let (Value::Object(fields), Value::Object(options)) = (&mut *body, options) else {
        *body = options.clone();
        return;
    };
    for (name, value) in options {
        match (fields.get_mut(name), value) {
            (_, Value::Null) => {
                fields.remove(name);
            }
            (Some(field), value) => merge_options(field, value),
            (None, value) => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
}
