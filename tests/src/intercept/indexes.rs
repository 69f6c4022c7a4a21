//! The intercepted calls about optional indexes.

use async_trait::async_trait;
use workflow_engine::Error;
use workflow_engine::ports::{Indexes, OptionalIndex};

use super::{Intercepted, Interceptor};

#[async_trait]
impl<I: Interceptor> Indexes for Intercepted<I> {
    async fn add_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        self.write("add_index", self.store.add_index(index)).await
    }

    async fn drop_index(&self, index: OptionalIndex) -> Result<bool, Error> {
        self.write("drop_index", self.store.drop_index(index)).await
    }
}
