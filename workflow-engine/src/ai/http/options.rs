//! Fields of the provider's own.

use serde_json::Value;

/// Lays `over` over `body`: objects are merged field by field, at any depth; anything else takes the place of what was
/// there, and `null` takes a field away.
pub(crate) fn lay_over(body: &mut Value, over: &Value) {
    let (Value::Object(fields), Value::Object(over)) = (&mut *body, over) else {
        *body = over.clone();
        return;
    };
    for (name, value) in over {
        match (fields.get_mut(name), value) {
            (_, Value::Null) => {
                fields.remove(name);
            }
            (Some(field), value) => lay_over(field, value),
            (None, value) => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
}
