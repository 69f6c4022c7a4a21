//! One server-sent event as text.

use serde::Serialize;

/// A comment, which keeps the connection.
pub(super) const COMMENT: &str = ":\n\n";

/// Writes an event. JSON has no line breaks outside of its texts, and escapes those.
pub(super) fn frame(into: &mut String, id: Option<&str>, name: &str, data: &impl Serialize) {
    if let Some(id) = id {
        for part in ["id: ", id, "\n"] {
            into.push_str(part);
        }
    }
    let data = serde_json::to_string(data).unwrap_or_default();
    for part in ["event: ", name, "\ndata: ", data.as_str(), "\n\n"] {
        into.push_str(part);
    }
}
