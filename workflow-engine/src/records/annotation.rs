//! An annotation: a note of a person, a program or a stage about a run.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::annotation_key::{AnnotationKey, OPERATOR, is_key};
use crate::value::limits::Unstorable;
use crate::value::{Json, Limits, is_name};

/// The most attributes of one annotation.
const MAX_ATTRIBUTES: usize = 64;
/// The longest value of an attribute, in bytes of JSON. Bounded because it may be part of an event.
const MAX_VALUE_BYTES: usize = 16 * 1024;
/// The longest payload, in bytes of JSON.
const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// A note about a run: one or more attributes, with their actor and their scope. [`AnnotationKey::value`] creates one. The
/// store keeps one record for each attribute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Annotation {
    /// The attributes by key: 1 to 64, each value up to 16 KiB of JSON. See [`AnnotationKey`] for valid keys.
    pub attributes: BTreeMap<String, Json>,
    /// The author: a user, a model, a program.
    #[serde(default)]
    pub actor: Option<String>,
    /// The scope in which the annotation counts, for filters.
    #[serde(default)]
    pub scope: Option<String>,
    /// Further data, up to 256 KiB of JSON.
    #[serde(default)]
    pub payload: Option<Json>,
    /// Whether each attribute emits an event, `annotation:created`. Default no.
    #[serde(default)]
    pub emit_event: bool,
    /// The error of serializing one of its parts.
    #[serde(skip)]
    pub(crate) fault: Option<String>,
}

impl<T: Serialize> AnnotationKey<T> {
    /// Creates an annotation with this one attribute.
    #[must_use]
    pub fn value(self, value: &T) -> Annotation {
        Annotation::default().and(self, value)
    }
}

impl Annotation {
    /// Adds an attribute.
    #[must_use]
    pub fn and<T: Serialize>(mut self, key: AnnotationKey<T>, value: &T) -> Self {
        match Json::encode(value) {
            Ok(json) => drop(self.attributes.insert(key.name().to_owned(), json)),
            Err(error) => {
                self.fault = Some(format!("the value of `{}` cannot be written: {error}", key.name()));
            }
        }
        self
    }

    /// Sets the author, 1 to 255 bytes without control characters.
    #[must_use]
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Sets the scope, 1 to 255 bytes without control characters.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Sets the payload: anything that serde serializes, up to 256 KiB of JSON.
    #[must_use]
    pub fn payload(mut self, payload: &impl Serialize) -> Self {
        match Json::encode(payload) {
            Ok(json) => self.payload = Some(json),
            Err(error) => self.fault = Some(format!("its payload cannot be written: {error}")),
        }
        self
    }

    /// Emits an event for each attribute.
    #[must_use]
    pub fn emit_event(mut self) -> Self {
        self.emit_event = true;
        self
    }

    /// Checks that the annotation can be stored.
    ///
    /// # Errors
    /// Returns the first problem, in words.
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
            if key.starts_with(OPERATOR) {
                return Err(format!(
                    "`{key}` begins with `{OPERATOR}`, which is reserved for actions from outside"
                ));
            }
            if value.as_str().len() > MAX_VALUE_BYTES {
                return Err(format!("the value of `{key}` has more than {MAX_VALUE_BYTES} bytes"));
            }
            readable(value).map_err(|fault| format!("the value of `{key}` cannot be read back: {fault}"))?;
        }
        for (what, text) in [("actor", &self.actor), ("scope", &self.scope)] {
            if text.as_deref().is_some_and(|text| !is_name(text)) {
                return Err(format!("its {what} needs 1 to 255 bytes and no control characters"));
            }
        }
        if let Some(payload) = &self.payload {
            if payload.as_str().len() > MAX_PAYLOAD_BYTES {
                return Err(format!("its payload has more than {MAX_PAYLOAD_BYTES} bytes"));
            }
            readable(payload).map_err(|fault| format!("its payload cannot be read back: {fault}"))?;
        }
        Ok(())
    }
}

/// Refuses JSON that another program has written, and that cannot be read back.
fn readable(json: &Json) -> Result<(), Unstorable> {
    Limits { payload_bytes: MAX_PAYLOAD_BYTES }.check(json)
}

#[cfg(test)]
#[path = "annotation_tests.rs"]
mod tests;
