//! The optional indexes of a store in memory. It notes which were added, and needs none.

use async_trait::async_trait;

use super::MemoryStore;
use crate::error::Error;
use crate::ports::{Indexes, OptionalIndex};

#[async_trait]
impl Indexes for MemoryStore {
    async fn add_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        Ok(self.open("add an index")?.indexes.insert(index))
    }

    async fn drop_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        Ok(self.open("drop an index")?.indexes.remove(&index))
    }
}
