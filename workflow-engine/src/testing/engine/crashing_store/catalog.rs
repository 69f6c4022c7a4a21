//! The catalog of a store that dies.

use async_trait::async_trait;

use super::CrashingStore;
use crate::error::Error;
use crate::ports::{Catalog, NewDefinition};
use crate::records::{DefinitionRecord, UnfinishedRuns};

#[async_trait]
impl Catalog for CrashingStore {
    async fn register_definitions(&self, definitions: &[NewDefinition]) -> Result<(), Error> {
        // Not a commit of a run: an engine registers its definitions before it starts.
        self.alive()?.register_definitions(definitions).await
    }

    async fn definitions(&self) -> Result<Vec<DefinitionRecord>, Error> {
        self.alive()?.definitions().await
    }

    async fn unfinished_by_definition(
        &self,
        workflow_id: &str,
        cap: usize,
    ) -> Result<Vec<UnfinishedRuns>, Error> {
        self.alive()?.unfinished_by_definition(workflow_id, cap).await
    }
}
