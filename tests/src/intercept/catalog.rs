//! The intercepted calls of the catalog.

use async_trait::async_trait;
use workflow_engine::Error;
use workflow_engine::ports::{Catalog, NewDefinition};
use workflow_engine::records::{DefinitionRecord, UnfinishedRuns};

use super::{Intercepted, Interceptor};

#[async_trait]
impl<I: Interceptor> Catalog for Intercepted<I> {
    async fn register_definitions(&self, definitions: &[NewDefinition]) -> Result<(), Error> {
        self.write("register_definitions", self.store.register_definitions(definitions)).await
    }

    async fn definitions(&self) -> Result<Vec<DefinitionRecord>, Error> {
        self.read("definitions", self.store.definitions()).await
    }

    async fn unfinished_by_definition(
        &self,
        workflow_id: &str,
        cap: usize,
    ) -> Result<Vec<UnfinishedRuns>, Error> {
        let read = self.store.unfinished_by_definition(workflow_id, cap);
        self.read("unfinished_by_definition", read).await
    }
}
