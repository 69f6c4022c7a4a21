//! The tags of runs.

use std::collections::BTreeMap;

/// The most tags of a run.
const MAX_TAGS: usize = 16;
/// The most bytes of a key.
const MAX_KEY_BYTES: usize = 64;
/// The most bytes of a value.
const MAX_VALUE_BYTES: usize = 256;

/// Checks that a run may have these tags.
///
/// # Errors
/// The first problem, in words.
pub(crate) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), String> {
    if tags.len() > MAX_TAGS {
        return Err(format!("a run has at most {MAX_TAGS} tags, not {}", tags.len()));
    }
    for (key, value) in tags {
        let shown: String = key.chars().take(64).collect();
        if key.is_empty() || key.len() > MAX_KEY_BYTES || !is_text(key) {
            return Err(format!(
                "the key {shown:?} needs 1 to {MAX_KEY_BYTES} bytes and no control characters"
            ));
        }
        if value.len() > MAX_VALUE_BYTES {
            let bytes = value.len();
            return Err(format!(
                "the value of `{shown}` has {bytes} bytes; at most {MAX_VALUE_BYTES} are allowed"
            ));
        }
        if !is_text(value) {
            return Err(format!("the value of `{shown}` has a control character"));
        }
    }
    Ok(())
}

fn is_text(text: &str) -> bool {
    !text.chars().any(char::is_control)
}
