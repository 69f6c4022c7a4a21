//! The place of a stage in its run.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;

/// The place of a stage in its run: empty for a stage that its run has once, and otherwise the number of the item or of
/// the turn, from 0, of each repeated part around the stage, the outermost first.
///
/// It is shown as `[17][3]`, and an empty one as an empty text. Places sort by their numbers.
///
/// ```
/// use workflow_engine::Place;
///
/// let place: Place = "[17][3]".parse()?;
/// assert_eq!(place, Place::from([17, 3]));
/// assert_eq!(place.to_string(), "[17][3]");
/// assert!(Place::from([9]) < Place::from([17]));
/// assert!(Place::default().is_empty());
/// # Ok::<(), workflow_engine::Error>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(Box<[u32]>);

impl Place {
    /// Returns whether the stage is outside of all repeated parts.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the numbers of the items and turns, the outermost first.
    #[must_use]
    pub const fn numbers(&self) -> &[u32] {
        &self.0
    }

    /// Returns the text that a column holds: each number in 8 hexadecimal digits, joined by dots, so that texts sort as
    /// the places do.
    pub(crate) fn column(&self) -> String {
        let mut text = String::new();
        for (at, number) in self.0.iter().enumerate() {
            let dot = if at > 0 { "." } else { "" };
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{dot}{number:08x}");
        }
        text
    }

    /// Reads the text of a column; `None` for any other text.
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "the store in memory has no columns")
    )]
    pub(crate) fn from_column(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let is_number = |part: &str| {
            part.len() == 8 && part.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        };
        let numbers =
            text.split('.').map(|part| u32::from_str_radix(part, 16).ok().filter(|_| is_number(part)));
        numbers.collect::<Option<Box<[u32]>>>().map(Self)
    }

    /// Reads the shown form; `None` for any other text.
    pub(super) fn from_shown(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let numbers = text.strip_prefix('[')?.strip_suffix(']')?.split("][").map(|digits| {
            let is_shown = digits.bytes().all(|digit| digit.is_ascii_digit())
                && (digits == "0" || !digits.starts_with('0'));
            digits.parse().ok().filter(|_| is_shown)
        });
        numbers.collect::<Option<Box<[u32]>>>().map(Self)
    }
}

impl<const N: usize> From<[u32; N]> for Place {
    fn from(numbers: [u32; N]) -> Self {
        Self(Box::new(numbers))
    }
}

impl From<Vec<u32>> for Place {
    fn from(numbers: Vec<u32>) -> Self {
        Self(numbers.into())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|number| write!(f, "[{number}]"))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl FromStr for Place {
    type Err = Error;

    /// # Errors
    /// `INVALID_REQUEST`, if the text is not of the form `[17][3]`.
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::from_shown(text).ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            Error::invalid_request(format!("{shown:?} is no place: it has the form `[17]` or `[17][3]`"))
        })
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Place {
    fn schema_name() -> Cow<'static, str> {
        "Place".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^(\[(0|[1-9][0-9]*)\])*$" })
    }
}
