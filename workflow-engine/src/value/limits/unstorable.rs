//! Why a payload is not stored.

use std::fmt;

use crate::error::ErrorCode;

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
