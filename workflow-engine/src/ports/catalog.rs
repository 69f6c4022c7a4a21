//! The catalog: the definitions and the workers that processes have registered.

use std::collections::HashMap;

use async_trait::async_trait;

use crate::error::Error;
use crate::records::{DefinitionRecord, NewWorker, UnfinishedRuns, WorkerRecord};
use crate::value::Json;

/// Keeps the definitions and the workers of all processes that share the store, also of those that no longer run.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Stores the definitions that the store does not have. Without a new one it writes nothing and takes no lock.
    ///
    /// # Errors
    /// All methods fail when the store cannot be read, and this one when it cannot be written.
    async fn register_definitions(&self, definitions: &[NewDefinition]) -> Result<(), Error>;

    /// Returns all definitions, by workflow, version and fingerprint.
    async fn definitions(&self) -> Result<Vec<DefinitionRecord>, Error>;

    /// Returns the definition with this fingerprint.
    async fn definition(&self, fingerprint: &str) -> Result<Option<DefinitionRecord>, Error>;

    /// Counts the unfinished runs of a workflow by definition, by fingerprint. It counts the oldest `cap` runs.
    async fn unfinished_by_definition(
        &self,
        workflow_id: &str,
        cap: usize,
    ) -> Result<Vec<UnfinishedRuns>, Error>;

    /// Stores a worker that begins to run, and returns its number, which no other worker has or will have. May delete
    /// the records of workers that drained more than 30 days ago.
    async fn register_worker(&self, worker: NewWorker) -> Result<u32, Error>;

    /// Notes that the worker with this number has drained.
    async fn drain_worker(&self, number: u32) -> Result<(), Error>;

    /// Returns workers, the newest first: those with smaller numbers than `before`, at most `limit`.
    async fn workers(&self, before: Option<u32>, limit: usize) -> Result<Vec<RegisteredWorker>, Error>;

    /// Returns the ids of the workers with these numbers, as far as the store has them.
    async fn worker_ids(&self, numbers: &[u32]) -> Result<HashMap<u32, String>, Error>;
}

/// A worker in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredWorker {
    /// Its record.
    pub worker: WorkerRecord,
    /// Whether its process is connected to the database; `None` if the store cannot tell.
    pub is_connected: Option<bool>,
}

/// A definition to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDefinition {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The workflow's id.
    pub workflow_id: String,
    /// The workflow's version.
    pub version: u32,
    /// What [`WorkflowDefinition::to_json`](crate::definition::WorkflowDefinition::to_json) returns.
    pub description: Json,
}
