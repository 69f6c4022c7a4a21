//! Running part of a run again.

use std::future::IntoFuture;

use futures_util::future::BoxFuture;

use super::any_run::AnyRun;
use crate::error::Error;
use crate::kernel::{RerunFrom, RerunFromOutput};
use crate::records::{StageRecord, Status};

/// A rerun of a run that has ended; `.await` begins it, and returns the stages that run again.
///
/// ```
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn fetch(number: u32) -> StageResult<u32> {
///     Ok(number)
/// }
///
/// #[stage]
/// async fn double(number: u32) -> StageResult<u32> {
///     Ok(number * 2)
/// }
///
/// workflow! { Doubling = fetch >> double }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
/// let run = engine.start::<Doubling>(FetchInput { number: 21 }).await?;
/// run.output().await?;
///
/// let plan = run.rerun_from::<double>().dry_run().await?;
/// assert_eq!(plan.stages, ["double"]); // nothing has happened yet
///
/// run.rerun_from::<double>().await?;
/// assert_eq!(run.output().await?, 42);
/// assert_eq!(run.record().await?.generation, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a rerun begins when this is awaited"]
pub struct Rerun {
    run: AnyRun,
    command: RerunFrom,
}

impl AnyRun {
    /// Runs a stage again, with its direct and indirect successors and every stage that has not completed, as the run's
    /// next generation. Completed stages before it are kept. The run must have ended.
    ///
    /// # Errors
    /// Of the awaited rerun: `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`, `RUN_NOT_TERMINAL`, `RUN_NEVER_STARTED`,
    /// `ANCESTOR_NOT_COMPLETED`, `STAGE_SKIPPED`; `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH` if neither this process nor the
    /// store has the run's definition; `IDEMPOTENCY_CONFLICT`.
    pub fn rerun_from(&self, stage_id: impl Into<String>) -> Rerun {
        let command = RerunFrom::new(self.id(), stage_id);
        Rerun { run: self.clone(), command }
    }

    /// Reruns the run from its first stage that has neither completed nor been skipped: a rerun cannot begin in an arm that
    /// was not taken. Returns `false`, and changes nothing, where there is no such stage.
    ///
    /// # Errors
    /// As [`rerun_from`](Self::rerun_from).
    pub async fn rerun_unfinished(&self) -> Result<bool, Error> {
        let stages = self.stages().await?;
        let is_unfinished =
            |stage: &StageRecord| !matches!(stage.status, Status::Completed | Status::Skipped);
        let Some(stage) = stages.into_iter().find(is_unfinished) else { return Ok(false) };
        self.rerun_from(stage.stage_id).await?;
        Ok(true)
    }
}

impl Rerun {
    /// Only returns what would run, and changes nothing.
    pub fn dry_run(mut self) -> Self {
        self.command.dry_run = true;
        self
    }

    /// Sets an idempotency key, 1 to 255 bytes: the same key with the same request reruns once.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.command.idempotency_key = Some(key.into());
        self
    }
}

impl IntoFuture for Rerun {
    type Output = Result<RerunFromOutput, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.run.engine().dispatch(self.command).await })
    }
}
