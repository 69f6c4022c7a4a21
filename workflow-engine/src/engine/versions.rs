//! The definitions of workflows, what is left of their runs, and which workers can execute them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Engine, WorkerState, WorkerStatus};
use crate::error::Error;
use crate::kernel::DefinitionRuns;
use crate::records::DefinitionRecord;

/// One definition of a workflow with its unfinished runs, from [`Engine::versions`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct WorkflowVersion {
    /// The definition.
    pub definition: DefinitionRecord,
    /// Whether this process can execute its runs: it has registered the definition, or one that is declared compatible.
    pub is_executable: bool,
    /// The workers that can execute its runs, newest first: those that run, and those of which it is unknown because they
    /// are on another machine. A worker that has drained or is gone is not among them.
    pub workers: Vec<WorkerStatus>,
    /// The number of runs that have not started.
    pub pending: u64,
    /// The number of runs that have started and not ended.
    pub running: u64,
    /// Whether these are all. Of a workflow with more than 10,000 unfinished runs, only the oldest 10,000 are counted.
    pub is_exact: bool,
    /// When the oldest unfinished run was created.
    pub oldest: Option<DateTime<Utc>>,
}

impl WorkflowVersion {
    /// Whether no run of this definition is left to be executed, so that its code may be removed.
    ///
    /// A rerun makes a run of an old definition unfinished again. While [`is_exact`](Self::is_exact) is `false`, newer runs
    /// may be left.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        self.pending + self.running == 0 && self.is_exact
    }
}

impl Engine {
    /// Returns the definitions of workflows that processes have registered in the store, by workflow and version, each with
    /// its unfinished runs and the workers that can execute them: which versions are drained, which runs this process
    /// cannot execute, and which no worker can.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn double(number: u32) -> StageResult<u32> {
    ///     Ok(number * 2)
    /// }
    ///
    /// workflow! { Doubling = double }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Doubling>().worker_id("billing").build().await?;
    /// let versions = engine.versions().await?;
    /// assert_eq!((versions[0].definition.workflow_id.as_str(), versions[0].definition.version), ("doubling", 1));
    /// assert!(versions[0].is_executable && versions[0].is_drained());
    /// assert_eq!(versions[0].workers[0].worker.id, "billing");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn versions(&self) -> Result<Vec<WorkflowVersion>, Error> {
        let definitions = self.kernel().definition_runs().await;
        let definitions = definitions.map_err(|error| self.unless_store_closed(error))?;
        let mut able: HashMap<String, Vec<WorkerStatus>> = HashMap::new();
        let mut workers = self.workers().stream();
        while let Some(status) = workers.try_next().await? {
            if matches!(status.state, WorkerState::Running | WorkerState::Unknown) {
                for fingerprint in &status.worker.definitions {
                    able.entry(fingerprint.clone()).or_default().push(status.clone());
                }
            }
        }
        let version = |known: DefinitionRuns| WorkflowVersion {
            workers: able.remove(&known.definition.fingerprint).unwrap_or_default(),
            definition: known.definition,
            is_executable: known.is_executable,
            pending: known.pending,
            running: known.running,
            is_exact: known.is_exact,
            oldest: known.oldest,
        };
        Ok(definitions.into_iter().map(version).collect())
    }
}
