//! The optional indexes of a store that dies.

use async_trait::async_trait;

use super::CrashingStore;
use crate::error::Error;
use crate::ports::{Indexes, OptionalIndex};

#[async_trait]
impl Indexes for CrashingStore {
    async fn add_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        self.alive()?.add_index(index).await
    }

    async fn drop_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        self.alive()?.drop_index(index).await
    }
}
