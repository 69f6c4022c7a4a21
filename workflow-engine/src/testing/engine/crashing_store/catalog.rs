//! The catalog of a store that dies.

use std::collections::HashMap;

use async_trait::async_trait;

use super::CrashingStore;
use crate::error::Error;
use crate::ports::{Catalog, NewDefinition, RegisteredWorker};
use crate::records::{DefinitionRecord, NewWorker, UnfinishedRuns};

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

    async fn definition(&self, fingerprint: &str) -> Result<Option<DefinitionRecord>, Error> {
        self.alive()?.definition(fingerprint).await
    }

    async fn register_worker(&self, worker: NewWorker) -> Result<u32, Error> {
        // As a definition.
        self.alive()?.register_worker(worker).await
    }

    async fn drain_worker(&self, number: u32) -> Result<(), Error> {
        self.alive()?.drain_worker(number).await
    }

    async fn workers(&self, before: Option<u32>, limit: usize) -> Result<Vec<RegisteredWorker>, Error> {
        self.alive()?.workers(before, limit).await
    }

    async fn worker_ids(&self, numbers: &[u32]) -> Result<HashMap<u32, String>, Error> {
        self.alive()?.worker_ids(numbers).await
    }
}
