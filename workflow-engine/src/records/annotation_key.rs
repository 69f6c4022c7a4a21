//! The key of an annotation's attribute.

use std::fmt;
use std::marker::PhantomData;

use crate::value::is_name;

/// The beginning of the keys of actions. Other annotations cannot use it.
pub(crate) const OPERATOR: &str = "operator.";

/// The name of an attribute with the type of its value, declared once as a constant.
///
/// A key consists of segments, for example `review.outcome`: 1 to 255 bytes, no control characters, no empty segment. A
/// filter for the prefix `review` matches `review` and `review.outcome`, and not `reviewer`.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use workflow_engine::AnnotationKey;
///
/// #[derive(Serialize, Deserialize)]
/// enum Outcome {
///     Approved,
///     Rejected,
/// }
///
/// const OUTCOME: AnnotationKey<Outcome> = AnnotationKey::new("review.outcome");
/// let annotation = OUTCOME.value(&Outcome::Approved).actor("ada").scope("legal");
/// assert_eq!(annotation.attributes["review.outcome"].as_str(), r#""Approved""#);
/// ```
pub struct AnnotationKey<T> {
    name: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<T> AnnotationKey<T> {
    /// Creates a key of this name.
    ///
    /// # Panics
    /// When the name is not a valid key. In a constant that is a compile error.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(is_key(name), "a key needs 1 to 255 bytes, no control characters, and no empty segment");
        Self { name, value: PhantomData }
    }

    /// Returns the name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<T> Clone for AnnotationKey<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for AnnotationKey<T> {}

impl<T> fmt::Debug for AnnotationKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnnotationKey").field(&self.name).finish()
    }
}

/// Returns whether `key` is valid: a name without empty segments.
pub(super) const fn is_key(key: &str) -> bool {
    let bytes = key.as_bytes();
    let mut at = 0;
    let mut begins_segment = true;
    while at < bytes.len() {
        if bytes[at] == b'.' && begins_segment {
            return false;
        }
        begins_segment = bytes[at] == b'.';
        at += 1;
    }
    is_name(key) && !begins_segment
}
