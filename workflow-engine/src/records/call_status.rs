//! The status of a call of a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The status of a call of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum CallStatus {
    /// The call is about to be made, or in progress. The most that it can cost is reserved.
    Reserved,
    /// The provider has responded, and the cost is known.
    Settled,
    /// The provider has refused the call, which cost nothing.
    Failed,
    /// The attempt died or the response was lost. The call may have been made, so it keeps its reservation.
    Unknown,
}

impl CallStatus {
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "the store in memory parses no stored names")
    )]
    pub(crate) const ALL: [Self; 4] = [Self::Reserved, Self::Settled, Self::Failed, Self::Unknown];

    /// Returns the stored name: `RESERVED`, `SETTLED`, `FAILED`, `UNKNOWN`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "RESERVED",
            Self::Settled => "SETTLED",
            Self::Failed => "FAILED",
            Self::Unknown => "UNKNOWN",
        }
    }
}
