//! Names of annotations, artifacts and metrics.

/// The longest name of an annotation's key, an artifact or a metric, in bytes.
pub(crate) const MAX_NAME_BYTES: usize = 255;

/// Returns whether `name` is valid: 1 to 255 bytes and no control characters.
pub(crate) const fn is_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] < 0x20 || bytes[at] == 0x7f {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty() && bytes.len() <= MAX_NAME_BYTES
}
