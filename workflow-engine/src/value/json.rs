//! Stored values: JSON text that is shared, not copied.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::payload::{Storable, Stored};

/// One stored value: the JSON text that serde wrote, kept as it was written.
///
/// It is text and not `serde_json::Value`, because a value tree would lose what it cannot hold
/// (128-bit integers, the digits of a decimal) and would cost an allocation a node. Clones share the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// The JSON `null`.
    #[must_use]
    pub fn null() -> Self {
        Self(Arc::from("null"))
    }

    /// Writes `value` as JSON.
    ///
    /// # Errors
    /// When serde cannot write it: a map whose keys are not strings, or an error of its own `Serialize`.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// Reads the value back.
    ///
    /// # Errors
    /// When the text is not the JSON of a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// Writes a value that can be stored.
    pub(crate) fn store<T: Storable>(value: &T) -> Result<Self, serde_json::Error> {
        Self::encode(&Stored(value))
    }

    /// Reads a value that was stored.
    pub(crate) fn load<T: Storable>(&self) -> Result<T, serde_json::Error> {
        self.decode().map(|Stored(value)| value)
    }

    /// Takes JSON text from outside.
    ///
    /// # Errors
    /// When it is not one well-formed JSON value.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<&RawValue>(text).map(|raw| Self(raw.get().into()))
    }

    /// Takes text that this library wrote itself.
    #[cfg_attr(not(feature = "sqlite"), allow(dead_code, reason = "a store in SQL alone needs it"))]
    pub(crate) fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().into()))
    }
}
