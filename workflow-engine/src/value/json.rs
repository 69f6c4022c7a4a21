//! Stored values: shared JSON text.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::exact::{self, Lossy};
use super::payload::{Storable, Stored};

/// A stored value: JSON text, exactly as serde wrote it.
///
/// It is not a `serde_json::Value`, because such a tree loses 128-bit integers and the digits of decimals, and allocates
/// for each node. Clones share the text.
///
/// ```
/// use workflow_engine::Json;
///
/// let json = Json::encode(&[1, 2])?;
/// assert_eq!(json.as_str(), "[1,2]");
/// assert_eq!(json.decode::<Vec<u32>>()?, [1, 2]);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Json(Arc<str>);

impl Json {
    /// Returns the JSON `null`.
    #[must_use]
    pub fn null() -> Self {
        Self(Arc::from("null"))
    }

    /// Writes `value` as JSON, if nothing of it is lost.
    ///
    /// # Errors
    /// If serde cannot write the value (a map whose keys are not strings, an error of the value's `Serialize`), if it has
    /// no form in JSON (a number that is not finite, `Some` of a value that is `null` itself), or if it is nested more
    /// than [`MAX_DEPTH`](crate::kernel::MAX_DEPTH) levels deep. The message names the path in the value.
    pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        exact::encode(value).map_err(serde::ser::Error::custom)
    }

    /// Writes a value of this library, or one that has been checked, as JSON.
    pub(crate) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// Reads the value as a `T`.
    ///
    /// # Errors
    /// If the text is not the JSON of a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }

    /// Writes a storable value that is read back as the same value.
    pub(crate) fn store<T: Storable>(value: &T) -> Result<Self, Lossy> {
        exact::keep(value)
    }

    /// Reads a storable value.
    pub(crate) fn load<T: Storable>(&self) -> Result<T, serde_json::Error> {
        self.decode().map(|Stored(value)| value)
    }

    /// Checks JSON text and takes it as it is.
    ///
    /// # Errors
    /// If the text is not one well-formed JSON value.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<&RawValue>(text).map(|raw| Self(raw.get().into()))
    }

    /// Takes text that this library has written, without a check.
    pub(crate) fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the JSON text.
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
