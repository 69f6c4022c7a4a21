//! A blob store that a test can inspect.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::error::Error;
use crate::ports::BlobStore;
use crate::records::BlobKey;
use crate::value::Json;

/// A blob store that keeps large payloads in memory, outside of the store. Clones share the same blobs.
///
/// ```
/// use workflow_engine::prelude::*;
/// use workflow_engine::testing::InMemoryBlobStore;
///
/// #[stage]
/// async fn repeat(text: String) -> StageResult<String> {
///     Ok(text.repeat(100))
/// }
///
/// workflow! { Repeating = repeat }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let blobs = InMemoryBlobStore::new();
/// let engine = Engine::builder("memory:").register::<Repeating>();
/// let engine = engine.blob_store(blobs.clone()).inline_limit(50).build().await?;
/// let run = engine.start::<Repeating>(RepeatInput { text: "again".into() }).await?;
/// assert_eq!(run.output().await?.len(), 500);
/// assert_eq!(blobs.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct InMemoryBlobStore {
    blobs: Arc<Mutex<BTreeMap<BlobKey, Json>>>,
}

impl InMemoryBlobStore {
    /// Makes an empty blob store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of blobs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blobs().len()
    }

    /// Whether there are no blobs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blobs().is_empty()
    }

    fn blobs(&self) -> MutexGuard<'_, BTreeMap<BlobKey, Json>> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl BlobStore for InMemoryBlobStore {
    async fn put(&self, key: &BlobKey, value: &Json) -> Result<(), Error> {
        self.blobs().insert(key.clone(), value.clone());
        Ok(())
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        Ok(self.blobs().get(key).cloned())
    }

    async fn has(&self, key: &BlobKey) -> Result<bool, Error> {
        Ok(self.blobs().contains_key(key))
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        self.blobs().remove(key);
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<BlobKey>, Error> {
        let prefix = prefix.trim_end_matches('/');
        let is_below = |key: &&BlobKey| {
            prefix.is_empty()
                || key.0.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        Ok(self.blobs().keys().filter(is_below).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn trap_17_a_prefix_matches_whole_segments() {
        let store = InMemoryBlobStore::new();
        for name in ["run-1/a", "run-10/a", "run-1"] {
            store.put(&BlobKey(name.into()), &Json::null()).await.unwrap();
        }
        let keys = [BlobKey("run-1".into()), BlobKey("run-1/a".into())];
        assert_eq!(store.list("run-1").await.unwrap(), keys);
        assert_eq!(store.list("run-1/").await.unwrap(), keys);
        assert_eq!(store.list("").await.unwrap().len(), 3);
        assert!(store.list("run").await.unwrap().is_empty());
        store.delete(&keys[0]).await.unwrap();
        assert!(!store.has(&keys[0]).await.unwrap() && store.has(&keys[1]).await.unwrap());
    }
}
