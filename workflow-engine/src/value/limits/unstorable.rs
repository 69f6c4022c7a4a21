//! The reasons why a payload cannot be stored.

use std::fmt;

use crate::error::ErrorCode;

/// The deepest nesting of arrays and objects. `serde_json` does not read deeper values
/// ([`recursion limit`](https://docs.rs/serde_json/latest/serde_json/struct.Deserializer.html#method.disable_recursion_limit)),
/// so a deeper payload could be stored but not read.
pub const MAX_DEPTH: usize = 127;

/// The reason why a payload cannot be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unstorable {
    TooLarge { bytes: usize, limit: usize },
    TooDeep { at: usize },
    LoneSurrogate { at: usize },
    NumberOutOfRange { at: usize },
}

impl Unstorable {
    /// The error code.
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
                    "it has {bytes} bytes as JSON, more than the limit of {limit}: store a reference to the data instead, or raise `EngineBuilder::payload_limit`"
                )
            }
            Self::TooDeep { at } => {
                write!(f, "at byte {at}, arrays and objects are nested more than {MAX_DEPTH} levels deep")
            }
            Self::LoneSurrogate { at } => {
                write!(f, "at byte {at}, half of a surrogate pair has no other half")
            }
            Self::NumberOutOfRange { at } => {
                write!(f, "at byte {at}, a number is out of the range of `f64`")
            }
        }
    }
}
