//! What may be stored: a payload that could not be read back, or that nobody has room for, is refused before anything
//! is written, alike for every store.

mod scan;
pub(crate) mod truncate;

use std::fmt;

use crate::error::ErrorCode;
use crate::value::json::Json;

/// How much one payload may be: an input, a configuration, an output, a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one payload as JSON text. Default 64 MiB. A payload is in memory several times while it is stored.
    pub payload_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { payload_bytes: 64 * 1024 * 1024 }
    }
}

/// Arrays and objects inside one another: `serde_json` reads no deeper
/// ([`recursion limit`](https://docs.rs/serde_json/latest/serde_json/struct.Deserializer.html#method.disable_recursion_limit)),
/// so a deeper payload would be stored and never read.
pub const MAX_DEPTH: usize = 127;

/// Why a payload is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unstorable {
    TooLarge { bytes: usize, limit: usize },
    TooDeep { at: usize },
    LoneSurrogate { at: usize },
    NumberOutOfRange { at: usize },
}

impl Limits {
    /// Whether a payload may be stored.
    pub(crate) fn check(self, payload: &Json) -> Result<(), Unstorable> {
        let text = payload.as_str();
        if text.len() > self.payload_bytes {
            return Err(Unstorable::TooLarge { bytes: text.len(), limit: self.payload_bytes });
        }
        scan::scan(text)
    }
}

impl Unstorable {
    /// A stable name.
    pub(crate) const fn code(self) -> ErrorCode {
        match self {
            Self::TooLarge { .. } => ErrorCode::PayloadTooLarge,
            Self::TooDeep { .. } => ErrorCode::PayloadTooDeep,
            Self::LoneSurrogate { .. } | Self::NumberOutOfRange { .. } => ErrorCode::PayloadUnreadable,
        }
    }
}

impl fmt::Display for Unstorable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes, limit } => {
                write!(
                    f,
                    "it has {bytes} bytes as JSON, and at most {limit} are stored: keep a reference to it instead, or raise `EngineBuilder::payload_limit`"
                )
            }
            Self::TooDeep { at } => {
                write!(f, "at byte {at}, more than {MAX_DEPTH} arrays and objects are inside one another")
            }
            Self::LoneSurrogate { at } => write!(f, "at byte {at}, half of a surrogate pair stands alone"),
            Self::NumberOutOfRange { at } => {
                write!(f, "at byte {at}, a number is larger than any type of Rust holds")
            }
        }
    }
}
