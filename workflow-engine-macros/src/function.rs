//! What the attribute macros go on: a function that becomes a stage, or one that becomes a check.

use std::fmt;

/// What a function becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Stage,
    Check,
}

/// As messages name it, and its attribute.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stage => "stage",
            Self::Check => "check",
        })
    }
}
