//! The address of a stage in its run.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::place::Place;

/// The address of a stage in its run: the stage's id, and its place. Everything that a run keeps about a stage is kept
/// by it: the stage's state, its job and lease, logs, artifacts, annotations, calls of models, signals and events.
///
/// It is shown, and read from a text, as `embed[17]`; for a stage that its run has once, that is the id. Ids have no
/// brackets, so every text is a key: one that has brackets in another form names no stage of any run.
///
/// ```
/// use workflow_engine::{Place, StageKey};
///
/// let key = StageKey::from("embed[17]");
/// assert_eq!((&*key.id, key.place.clone()), ("embed", Place::from([17])));
/// assert_eq!(key.to_string(), "embed[17]");
/// assert!(StageKey::from("merge").place.is_empty());
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageKey {
    /// The id of the stage in its workflow.
    pub id: String,
    /// The place; empty for a stage that its run has once.
    pub place: Place,
}

impl StageKey {
    /// Creates the key of the stage with this id at a place.
    #[must_use]
    pub fn new(id: impl Into<String>, place: Place) -> Self {
        Self { id: id.into(), place }
    }

    /// Returns whether the key is that of the stage with this id and place.
    pub(crate) fn is(&self, id: &str, place: &Place) -> bool {
        self.id == id && self.place == *place
    }

    /// Returns whether the key selects the stage with this id and place, in a filter: a key without a place selects all
    /// places of its stage.
    pub(crate) fn selects(&self, id: &str, place: &Place) -> bool {
        self.id == id && (self.place.is_empty() || self.place == *place)
    }

    /// As [`StageKey::selects`], of a row that may be about no stage.
    pub(crate) fn selects_of(&self, id: Option<&str>, place: &Place) -> bool {
        id.is_some_and(|id| self.selects(id, place))
    }
}

/// Returns the length of the id with which a text begins, and the place that follows it.
fn split(text: &str) -> (usize, Place) {
    let at = if text.ends_with(']') { text.find('[') } else { None };
    at.filter(|at| *at > 0)
        .and_then(|at| Some((at, Place::from_shown(&text[at..])?)))
        .unwrap_or_else(|| (text.len(), Place::default()))
}

impl From<&str> for StageKey {
    fn from(text: &str) -> Self {
        let (length, place) = split(text);
        Self { id: text[..length].to_owned(), place }
    }
}

impl From<String> for StageKey {
    fn from(mut text: String) -> Self {
        let (length, place) = split(&text);
        text.truncate(length);
        Self { id: text, place }
    }
}

impl From<&String> for StageKey {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<&Self> for StageKey {
    fn from(key: &Self) -> Self {
        key.clone()
    }
}

/// Compares the key with a text that is read as one.
impl PartialEq<str> for StageKey {
    fn eq(&self, text: &str) -> bool {
        let (length, place) = split(text);
        self.is(&text[..length], &place)
    }
}

/// Compares the key with a text that is read as one.
impl PartialEq<&str> for StageKey {
    fn eq(&self, text: &&str) -> bool {
        *self == **text
    }
}

impl FromStr for StageKey {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Display for StageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.pad(&self.id) } else { write!(f, "{}{}", self.id, self.place) }
    }
}

impl fmt::Debug for StageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for StageKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StageKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl JsonSchema for StageKey {
    fn schema_name() -> Cow<'static, str> {
        "StageKey".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
#[path = "stage_key_tests.rs"]
mod tests;
