//! A store for payloads that are too large for a row.

use async_trait::async_trait;

use crate::error::Error;
use crate::records::BlobKey;
use crate::value::Json;

/// Stores large payloads outside the database. Without a blob store they go to the store's own table, in the commit of
/// the stage that wrote them.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Stores a payload. It must be durable before this returns. The same key may be put again.
    ///
    /// # Errors
    /// All methods fail when the payload cannot be stored or read.
    async fn put(&self, key: &BlobKey, value: &Json) -> Result<(), Error>;

    /// Returns the payload, or `None` where there is none.
    async fn get(&self, key: &BlobKey) -> Result<Option<Json>, Error>;

    /// Returns whether the payload exists.
    async fn has(&self, key: &BlobKey) -> Result<bool, Error>;

    /// Deletes the payload. A missing one is no error.
    async fn delete(&self, key: &BlobKey) -> Result<(), Error>;

    /// Returns the keys that begin with `prefix`, compared by whole segments.
    async fn list(&self, prefix: &str) -> Result<Vec<BlobKey>, Error>;
}
