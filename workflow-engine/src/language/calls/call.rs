//! What a call is called, and what it was for.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of a row in the ledger: a UUIDv7, so rows sort by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(Uuid);

impl CallId {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }

    /// The same as a UUID.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for CallId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

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
