//! A stored value: in its row, or in the blob store.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Json;

/// A value of a row, or a reference to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoredValue {
    /// In the row itself.
    Inline(Json),
    /// In the blob store, under this key.
    Blob(BlobKey),
}

/// The key of a blob: `run/stage/generation/epoch`, followed by `/artifacts/number` for an artifact. The engine makes it,
/// never from user input.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BlobKey(pub String);
