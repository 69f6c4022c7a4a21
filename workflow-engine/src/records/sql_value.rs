//! The argument of a statement.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::value::Json;

/// A bound argument of a statement. Both databases hold each of these types, in their own forms.
///
/// | | PostgreSQL | SQLite |
/// |---|---|---|
/// | `Null` | `NULL` of the type that the position requires | `NULL` |
/// | `Bool` | `boolean` | 0 or 1 |
/// | `Int` | `bigint` | `INTEGER` |
/// | `Float` | `double precision` | `REAL` |
/// | `Text` | `text` | `TEXT` |
/// | `Bytes` | `bytea` | `BLOB` |
/// | `JsonText` | `jsonb` | `TEXT` |
/// | `Uuid` | `uuid` | `TEXT`, hyphenated |
/// | `Instant` | `timestamptz` | `TEXT`, `2026-01-02T03:04:05.000006Z` |
///
/// PostgreSQL converts an argument to the column's type where that is safe, for example `bigint` to `integer`. For other
/// types the statement casts it: `$1::numeric`, `$1::my_enum`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum SqlValue {
    /// No value.
    Null,
    /// A Boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A finite number.
    Float(f64),
    /// A text without U+0000, which PostgreSQL cannot hold.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A JSON value; [`SqlValue::json`] creates one.
    JsonText(Json),
    /// A UUID.
    Uuid(Uuid),
    /// An instant, to the microsecond.
    Instant(DateTime<Utc>),
}

impl SqlValue {
    /// Converts anything that serde serializes to JSON.
    ///
    /// # Errors
    /// When serde cannot serialize it.
    pub fn json(value: &impl Serialize) -> Result<Self, serde_json::Error> {
        Json::encode(value).map(Self::JsonText)
    }
}

macro_rules! from {
    ($($type:ty => $variant:ident($value:ident => $made:expr),)*) => {
        $(impl From<$type> for SqlValue {
            fn from($value: $type) -> Self {
                Self::$variant($made)
            }
        })*
    };
}

from! {
    bool => Bool(value => value),
    i8 => Int(value => value.into()),
    i16 => Int(value => value.into()),
    i32 => Int(value => value.into()),
    i64 => Int(value => value),
    u8 => Int(value => value.into()),
    u16 => Int(value => value.into()),
    u32 => Int(value => value.into()),
    f32 => Float(value => value.into()),
    f64 => Float(value => value),
    &str => Text(value => value.to_owned()),
    String => Text(value => value),
    &String => Text(value => value.clone()),
    &[u8] => Bytes(value => value.to_vec()),
    Vec<u8> => Bytes(value => value),
    Json => JsonText(value => value),
    Uuid => Uuid(value => value),
    crate::RunId => Uuid(value => *value.as_uuid()),
    DateTime<Utc> => Instant(value => value),
}

impl<T: Into<Self>> From<Option<T>> for SqlValue {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
