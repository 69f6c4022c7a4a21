//! Forking a run.

use std::future::IntoFuture;

use futures_util::future::BoxFuture;

use super::any_run::AnyRun;
use crate::error::Error;
use crate::kernel::{ForkRun, ForkRunOutput};
use crate::records::OPERATOR;
use crate::value::{Json, RunId};

/// A fork of a run; `.await` creates the new run, and returns its id and the stages that it runs.
///
/// ```
/// use workflow_engine::prelude::*;
/// use workflow_engine::Json;
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
/// assert_eq!(run.output().await?, 42);
///
/// let forked = run.fork_from("double").output("fetch", Json::parse("50").unwrap()).await?;
/// let new = engine.run_handle::<Doubling>(forked.run_id.unwrap()).await?;
/// assert_eq!(new.output().await?, 100);
/// assert_eq!(new.forked_from().await?, Some(run.id()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a fork is created when this is awaited"]
pub struct Fork {
    run: AnyRun,
    command: ForkRun,
}

impl AnyRun {
    /// Creates a run that takes over what this one has completed before a stage, and runs this stage and everything after
    /// it. This run stays as it is; [`AnyRun::rerun_from`] continues it instead.
    ///
    /// # Errors
    /// Of the awaited fork: `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`, `RUN_NEVER_STARTED`, `ANCESTOR_NOT_COMPLETED`;
    /// `INVALID_INPUT`, `INVALID_CONFIG` and `INVALID_REQUEST` for edited values; `WORKFLOW_NOT_FOUND` or
    /// `DEFINITION_MISMATCH` if this process lacks the run's definition and needs it: for a workflow with choices or catches,
    /// and for edited values without the Cargo feature `schemas`; `BLOB_MISSING` if a rerun has deleted an output since;
    /// `IDEMPOTENCY_CONFLICT`.
    pub fn fork_from(&self, stage_id: impl Into<String>) -> Fork {
        Fork { run: self.clone(), command: ForkRun::new(self.id(), stage_id) }
    }

    /// Returns the run from which this one was forked; `None` if it was not.
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub async fn forked_from(&self) -> Result<Option<RunId>, Error> {
        #[derive(serde::Deserialize)]
        struct Details {
            forked_from: RunId,
        }

        let filter = crate::ports::AnnotationFilter::new().prefix(format!("{OPERATOR}fork")).limit(1);
        let found = self.annotations(&filter).await?;
        Ok(found
            .first()
            .and_then(|found| found.value.decode().ok())
            .map(|Details { forked_from }| forked_from))
    }
}

impl Fork {
    /// Sets another input; only from the start, where no stage is taken over.
    pub fn input(mut self, input: Json) -> Self {
        self.command.input = Some(input);
        self
    }

    /// Sets another configuration: an object from stage ids to their fields. Absent fields take their defaults.
    pub fn config(mut self, config: Json) -> Self {
        self.command.config = Some(config);
        self
    }

    /// Replaces the output of a stage that is taken over.
    pub fn output(mut self, stage_id: impl Into<String>, output: Json) -> Self {
        self.command.outputs.insert(stage_id.into(), output);
        self
    }

    /// Only checks, and returns what would run.
    pub fn dry_run(mut self) -> Self {
        self.command.dry_run = true;
        self
    }

    /// Sets an idempotency key, 1 to 255 bytes: the same key with the same request forks once.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.command.idempotency_key = Some(key.into());
        self
    }
}

impl IntoFuture for Fork {
    type Output = Result<ForkRunOutput, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.run.engine().dispatch(self.command).await })
    }
}
