//! Where a stored value is: in its row, or in the blob store.

use crate::value::Json;

/// A value as its row holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredValue {
    /// In the row itself.
    Inline(Json),
    /// In the blob store, under this key.
    Blob(BlobKey),
}

/// The key of a blob: `run/stage/generation/epoch`, and `/artifacts/number` after it for an artifact; made by the engine, never from user input.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobKey(pub String);
