//! The purpose of a call of a model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The purpose of a call of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CallType {
    /// Generating text.
    Text,
    /// Generating an object.
    Object,
    /// Streaming text.
    Stream,
    /// Embedding texts as vectors.
    Embed,
    /// One item of a batch.
    Batch,
    /// A tool that a model has called. It costs nothing.
    Tool,
    /// A call that the program made itself and recorded.
    Custom,
}

impl CallType {
    #[cfg_attr(
        not(any(feature = "postgres", feature = "sqlite")),
        allow(dead_code, reason = "the store in memory parses no stored names")
    )]
    pub(crate) const ALL: [Self; 7] =
        [Self::Text, Self::Object, Self::Stream, Self::Embed, Self::Batch, Self::Tool, Self::Custom];

    /// Returns the stored name: `text`, `object`, …
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
