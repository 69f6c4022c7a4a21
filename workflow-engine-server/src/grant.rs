//! What a caller may do.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a caller may do. Each grant includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub enum Grant {
    /// `read`: see runs, stages, errors, costs and definitions; no payloads, prompts, responses or log lines.
    #[serde(rename = "read")]
    Read,
    /// `read+payloads`: see everything, apart from the values of hidden fields.
    #[serde(rename = "read+payloads")]
    ReadPayloads,
    /// `operate`: start and steer runs, and reveal hidden fields.
    #[serde(rename = "operate")]
    Operate,
}

impl Grant {
    /// Returns its name: `read`, `read+payloads` or `operate`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadPayloads => "read+payloads",
            Self::Operate => "operate",
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Grant {
    type Err = super::InvalidToken;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "read" => Ok(Self::Read),
            "read+payloads" => Ok(Self::ReadPayloads),
            "operate" => Ok(Self::Operate),
            other => Err(super::InvalidToken::new(format!(
                "`{other}` is not a grant: expected `read`, `read+payloads` or `operate`"
            ))),
        }
    }
}
