//! `run.delete`: deletes one run.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Command;
use super::purge_runs::delete_external_blobs;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::ports::Purge;
use crate::value::RunId;

/// Deletes a run that has ended, with everything that belongs to it: stages, events, also undelivered ones, logs,
/// artifacts, annotations, calls of models, tags, blobs and idempotency keys. A request that reuses a deleted key
/// creates a new run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteRun {
    /// The run.
    pub run_id: RunId,
}

/// The run is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeleteRunOutput {}

#[async_trait]
impl Command for DeleteRun {
    type Output = DeleteRunOutput;
    const NAME: &'static str = "run.delete";

    /// # Errors
    /// `RUN_NOT_FOUND`; `RUN_NOT_TERMINAL` if the run has not ended.
    async fn execute(self, kernel: &Kernel) -> Result<DeleteRunOutput, Error> {
        let Self { run_id } = self;
        let purge = Purge {
            older_than: Duration::ZERO,
            include_undelivered: true,
            external_blobs: kernel.config().blobs.is_some(),
            limit: 1,
            only: Some(run_id),
        };
        if kernel.store().purge_runs(&purge).await?.is_empty() {
            // It has not ended, or another call has deleted it since.
            let run = kernel.store().run(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
            return Err(Error::run_not_terminal(run_id, run.status));
        }
        delete_external_blobs(kernel).await?;
        Ok(DeleteRunOutput {})
    }

    fn run(&self) -> Option<RunId> {
        Some(self.run_id)
    }
}
