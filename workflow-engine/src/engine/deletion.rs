//! Deleting runs.

use super::Engine;
use super::any_run::AnyRun;
use crate::error::Error;
use crate::kernel::{DeleteRun, PurgeRuns};
use crate::value::RunId;

impl Engine {
    /// Deletes runs that ended long ago, with everything that belongs to them, and returns their ids.
    ///
    /// ```
    /// use std::time::Duration;
    /// use workflow_engine::Engine;
    /// use workflow_engine::kernel::PurgeRuns;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").build().await?;
    /// let month = Duration::from_secs(30 * 86_400);
    /// let deleted = engine.purge(PurgeRuns::older_than(month).limit(1_000)).await?;
    /// # assert!(deleted.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store or of the blob store.
    pub async fn purge(&self, command: PurgeRuns) -> Result<Vec<RunId>, Error> {
        Ok(self.dispatch(command).await?.runs)
    }

    /// Deletes one run with everything that belongs to it: see [`AnyRun::delete`].
    ///
    /// # Errors
    /// As [`AnyRun::delete`].
    pub async fn delete_run(&self, run_id: RunId) -> Result<(), Error> {
        self.dispatch(DeleteRun { run_id }).await.map(drop)
    }
}

impl AnyRun {
    /// Deletes the run with everything that belongs to it: input, outputs, events, also undelivered ones, logs, artifacts,
    /// annotations, calls of models, tags, blobs and idempotency keys. For data that must go before [`Engine::purge`]
    /// deletes it.
    ///
    /// ```
    /// # use workflow_engine::prelude::*;
    /// # #[stage]
    /// # async fn double(number: u32) -> StageResult<u32> {
    /// #     Ok(number * 2)
    /// # }
    /// # workflow! { Doubling = double }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
    /// run.cancel("the customer has left").await?;
    /// run.delete().await?;
    /// assert!(run.status().await.unwrap_err().is_not_found());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; `RUN_NOT_TERMINAL` if the run has not ended: cancel it first; an error of the store or of the blob
    /// store.
    pub async fn delete(&self) -> Result<(), Error> {
        self.engine().dispatch(DeleteRun { run_id: self.id() }).await.map(drop)
    }
}
