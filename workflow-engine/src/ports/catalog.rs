//! The catalog: the definitions that processes have registered.

use async_trait::async_trait;

use crate::error::Error;
use crate::records::{DefinitionRecord, UnfinishedRuns};
use crate::value::Json;

/// Keeps the definitions of all processes that share the store, also of those that no longer run.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Stores the definitions that the store does not have. Without a new one it writes nothing and takes no lock.
    ///
    /// # Errors
    /// All methods fail when the store cannot be read, and this one when it cannot be written.
    async fn register_definitions(&self, definitions: &[NewDefinition]) -> Result<(), Error>;

    /// Returns all definitions, by workflow, version and fingerprint.
    async fn definitions(&self) -> Result<Vec<DefinitionRecord>, Error>;

    /// Counts the unfinished runs of a workflow by definition, by fingerprint. It counts the oldest `cap` runs.
    async fn unfinished_by_definition(
        &self,
        workflow_id: &str,
        cap: usize,
    ) -> Result<Vec<UnfinishedRuns>, Error>;
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
