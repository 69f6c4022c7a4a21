//! The intercepted calls of the catalog.

use std::collections::HashMap;

use async_trait::async_trait;
use workflow_engine::Error;
use workflow_engine::ports::{Catalog, NewDefinition, RegisteredWorker};
use workflow_engine::records::{DefinitionRecord, NewWorker, UnfinishedRuns};

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

    async fn definition(&self, fingerprint: &str) -> Result<Option<DefinitionRecord>, Error> {
        self.read("definition", self.store.definition(fingerprint)).await
    }

    async fn register_worker(&self, worker: NewWorker) -> Result<u32, Error> {
        self.write("register_worker", self.store.register_worker(worker)).await
    }

    async fn drain_worker(&self, number: u32) -> Result<(), Error> {
        self.write("drain_worker", self.store.drain_worker(number)).await
    }

    async fn workers(&self, before: Option<u32>, limit: usize) -> Result<Vec<RegisteredWorker>, Error> {
        self.read("workers", self.store.workers(before, limit)).await
    }

    async fn worker_ids(&self, numbers: &[u32]) -> Result<HashMap<u32, String>, Error> {
        self.read("worker_ids", self.store.worker_ids(numbers)).await
    }
}
