//! What a call is called, and what it was for.

use serde::{Deserialize, Serialize};

/// What a call was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CallType {
    /// Text.
    Text,
    /// An object.
    Object,
    /// Text, piece by piece.
    Stream,
    /// Vectors.
    Embed,
    /// One item of a batch.
    Batch,
    /// A tool that a model has called; it costs nothing.
    Tool,
    /// What the program has recorded of a call of its own.
    Custom,
}

impl CallType {
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "a store without rows reads none")
    )]
    pub(crate) const ALL: [Self; 7] =
        [Self::Text, Self::Object, Self::Stream, Self::Embed, Self::Batch, Self::Tool, Self::Custom];

    /// The stored name: `text`, `object`, …
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Object => "object",
            Self::Stream => "stream",
            Self::Embed => "embed",
            Self::Batch => "batch",
            Self::Tool => "tool",
            Self::Custom => "custom",
        }
    }
}
