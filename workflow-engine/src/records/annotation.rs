//! Annotations: what people, programs and stages note about a run.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::value::{Json, is_name};

/// The most attributes that one annotation has.
const MAX_ATTRIBUTES: usize = 64;
/// The longest value of an attribute, in bytes of JSON: it is part of an event.
const MAX_VALUE_BYTES: usize = 16 * 1024;
/// The longest payload, in bytes of JSON.
const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// The name of an attribute with the type of its value, declared once as a constant.
///
/// A key has segments, `review.outcome` for example: 1 to 255 bytes, no control characters, no empty segment. Whoever
/// asks for those under `review` gets `review` and `review.outcome`, and not `reviewer`.
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
    /// A key of this name.
    ///
    /// # Panics
    /// When it is no key. In a constant that is a compile error.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(is_key(name), "a key needs 1 to 255 bytes, no control characters, and no empty segment");
        Self { name, value: PhantomData }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl<T: Serialize> AnnotationKey<T> {
    /// An annotation of this one attribute.
    #[must_use]
    pub fn value(self, value: &T) -> Annotation {
        Annotation::default().and(self, value)
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

/// What is to be noted: one or more attributes, with who says so and where it counts. [`AnnotationKey::value`] makes
/// one. It is stored as one record for each attribute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annotation {
    /// 1 to 64 of them, each value up to 16 KiB of JSON. Names are those of [`AnnotationKey`].
    pub attributes: BTreeMap<String, Json>,
    /// Who says so: a user, a model, a program.
    #[serde(default)]
    pub actor: Option<String>,
    /// Where it counts, for whoever lists them.
    #[serde(default)]
    pub scope: Option<String>,
    /// What goes with it, up to 256 KiB of JSON.
    #[serde(default)]
    pub payload: Option<Json>,
    /// Whether each attribute is told as an event, `annotation:created`. Default no.
    #[serde(default)]
    pub emit_event: bool,
    /// Why serde could not write one of its parts.
    #[serde(skip)]
    pub(crate) fault: Option<String>,
}

impl Annotation {
    /// The same with one more attribute.
    #[must_use]
    pub fn and<T: Serialize>(mut self, key: AnnotationKey<T>, value: &T) -> Self {
        match Json::encode(value) {
            Ok(json) => drop(self.attributes.insert(key.name.to_owned(), json)),
            Err(error) => {
                self.fault = Some(format!("the value of `{}` cannot be written: {error}", key.name));
            }
        }
        self
    }

    /// Says who notes it.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Says where it counts.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Anything that serde writes, to go with it.
    #[must_use]
    pub fn payload(mut self, payload: &impl Serialize) -> Self {
        match Json::encode(payload) {
            Ok(json) => self.payload = Some(json),
            Err(error) => self.fault = Some(format!("its payload cannot be written: {error}")),
        }
        self
    }

    /// Has each attribute told as an event.
    #[must_use]
    pub fn emit_event(mut self) -> Self {
        self.emit_event = true;
        self
    }

    /// Whether it can be stored.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        if let Some(fault) = &self.fault {
            return Err(fault.clone());
        }
        if self.attributes.is_empty() || self.attributes.len() > MAX_ATTRIBUTES {
            return Err(format!(
                "it needs 1 to {MAX_ATTRIBUTES} attributes, and has {}",
                self.attributes.len()
            ));
        }
        for (key, value) in &self.attributes {
            if !is_key(key) {
                let shown: String = key.chars().take(64).collect();
                return Err(format!(
                    "{shown:?} is no key: it needs 1 to 255 bytes, no control characters, and no empty segment"
                ));
            }
            if value.as_str().len() > MAX_VALUE_BYTES {
                return Err(format!("the value of `{key}` has more than {MAX_VALUE_BYTES} bytes"));
            }
        }
        for (what, text) in [("actor", &self.actor), ("scope", &self.scope)] {
            if text.as_deref().is_some_and(|text| !is_name(text)) {
                return Err(format!("its {what} needs 1 to 255 bytes and no control characters"));
            }
        }
        if self.payload.as_ref().is_some_and(|payload| payload.as_str().len() > MAX_PAYLOAD_BYTES) {
            return Err(format!("its payload has more than {MAX_PAYLOAD_BYTES} bytes"));
        }
        Ok(())
    }
}

/// Whether `key` is one: a name without empty segments.
const fn is_key(key: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::Annotation;
    use crate::value::Json;

    #[test]
    fn keys_have_segments() {
        let is_taken = |key: &str| {
            let mut annotation = Annotation::default();
            annotation.attributes.insert(key.to_owned(), Json::null());
            annotation.check().is_ok()
        };
        for key in ["a", "review.outcome", "größe.%_\\", "a b", &"a".repeat(255)] {
            assert!(is_taken(key), "{key}");
        }
        for key in ["", ".", "a.", ".a", "a..b", "a\nb", "a\0", &"a".repeat(256)] {
            assert!(!is_taken(key), "{key:?}");
        }
    }
}
