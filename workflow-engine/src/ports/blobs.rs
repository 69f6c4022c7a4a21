//! Payloads that are too large for a row.

use async_trait::async_trait;

use crate::error::Error;
use crate::records::BlobKey;
use crate::value::Json;

/// A place for large payloads outside the store. Without one they go to the store's own table, in the commit of
/// the stage that wrote them.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Keeps a payload; it must be durable before this answers. The same key may be put again.
    ///
    /// # Errors
    /// When the payload cannot be kept, or read, here and below.
    async fn put(&self, key: &BlobKey, value: &Json) -> Result<(), Error>;

    /// The payload, or `None` where there is none.
    async fn get(&self, key: &BlobKey) -> Result<Option<Json>, Error>;

    /// Whether there is one.
    async fn has(&self, key: &BlobKey) -> Result<bool, Error>;

    /// Removes it; it is no error where there is none.
    async fn delete(&self, key: &BlobKey) -> Result<(), Error>;

    /// The keys that begin with `prefix`, whole segments only.
    async fn list(&self, prefix: &str) -> Result<Vec<BlobKey>, Error>;
}
