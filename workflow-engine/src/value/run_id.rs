//! The identity of a run.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

use crate::error::Error;

/// The id of a run: a `UUIDv7` ([RFC 9562](https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7)),
/// so ids sort by the millisecond of their creation.
///
/// ```
/// use workflow_engine::RunId;
///
/// let id = RunId::generate();
/// assert_eq!(id.to_string().parse::<RunId>()?, id);
/// # Ok::<(), workflow_engine::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

impl RunId {
    /// Makes a new id, which is unique and sorts after all ids that this process has made before.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id from a UUID of a store.
    #[cfg_attr(not(feature = "postgres"), allow(dead_code, reason = "the other stores keep ids as text"))]
    pub(crate) const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// Returns the smallest and the largest id that begin with these hexadecimal digits.
    ///
    /// # Errors
    /// `INVALID_RUN_ID` if these are not the first digits of an id.
    pub(crate) fn range_of_prefix(prefix: &str) -> Result<(Self, Self), Error> {
        let digits: String = prefix.chars().filter(|character| *character != '-').collect();
        let is_hex = digits.chars().all(|digit| digit.is_ascii_hexdigit());
        if digits.is_empty() || digits.len() > 32 || !is_hex {
            return Err(Error::invalid_run_id(prefix));
        }
        let padded = |digit: &str| Uuid::try_parse(&(digits.clone() + &digit.repeat(32 - digits.len())));
        let range = padded("0").and_then(|first| Ok((Self(first), Self(padded("f")?))));
        range.map_err(|_| Error::invalid_run_id(prefix))
    }

    /// Returns the id that follows this one; `None` after the largest.
    pub(crate) fn next(self) -> Option<Self> {
        self.0.as_u128().checked_add(1).map(|next| Self(Uuid::from_u128(next)))
    }

    /// Returns the id as a UUID.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RunId {
    type Err = Error;

    /// # Errors
    /// `INVALID_RUN_ID`, if the text is not a UUID.
    fn from_str(text: &str) -> Result<Self, Error> {
        Uuid::try_parse(text).map(Self).map_err(|_| Error::invalid_run_id(text))
    }
}

impl<'de> Deserialize<'de> for RunId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
