//! The kinds of functions that the attribute macros accept.

use std::fmt;

/// The kind of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Stage,
    Check,
}

/// The name in messages, which is also the name of the attribute.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stage => "stage",
            Self::Check => "check",
        })
    }
}
