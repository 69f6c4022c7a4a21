//! A handle of one run, with the types of its workflow.

use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::DeserializeOwned;

use super::Engine;
use super::any_run::AnyRun;
use super::rerun::Rerun;
use crate::definition::StageDefinition;
use crate::error::Error;
use crate::language::{HasStage, Stage, Workflow};
use crate::ports::EndMark;
use crate::records::{Annotation, AttemptRecord, StoredValue};
use crate::value::{Cost, RunId, StageKey};

/// A handle of a run of the workflow `W`: its input, outputs and stages by their types. Everything that needs no type is
/// on [`AnyRun`], to which it dereferences: status, events, logs, cancelling. Dropping it does not affect the run. It
/// keeps its [`Engine`] alive.
///
/// ```
/// use futures_util::StreamExt;
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn add(left: u32, right: u32) -> StageResult<u32> {
///     Ok(left + right)
/// }
///
/// workflow! { Addition = add }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<Addition>().build().await?;
/// let run = engine.start::<Addition>(AddInput { left: 2, right: 3 }).await?;
///
/// let names: Vec<&str> = run.events().map(|event| event.unwrap().kind.name()).collect().await;
/// assert_eq!(
///     names,
///     ["workflow:created", "workflow:started", "stage:started", "stage:completed", "workflow:completed"],
/// );
/// assert_eq!(run.status().await?, Status::Completed);
/// assert_eq!(run.outputs().await?.add, Some(5));
/// assert_eq!(run.stage_output::<add>().await?, Some(5));
/// assert!(!run.cancel("too late").await?);
/// # Ok(())
/// # }
/// ```
///
/// A stage that the workflow does not have is an error of the compiler:
///
/// ```compile_fail,E0277
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn add(left: u32, right: u32) -> StageResult<u32> {
///     Ok(left + right)
/// }
///
/// #[stage]
/// async fn subtract(left: u32, right: u32) -> StageResult<u32> {
///     Ok(left - right)
/// }
///
/// workflow! { Addition = add }
///
/// async fn difference(run: &RunHandle<Addition>) -> Option<u32> {
///     run.stage_output::<subtract>().await.unwrap()
/// }
/// ```
pub struct RunHandle<W: Workflow> {
    run: AnyRun,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> RunHandle<W> {
    pub(super) const fn new(engine: Engine, run_id: RunId) -> Self {
        Self { run: AnyRun::new(engine, run_id), workflow: PhantomData }
    }

    /// A handle of a run that was created after the mark.
    pub(super) const fn new_created(engine: Engine, run_id: RunId, mark: EndMark) -> Self {
        Self { run: AnyRun::new_created(engine, run_id, mark), workflow: PhantomData }
    }

    /// The run without the types of its workflow.
    #[must_use]
    pub const fn any(&self) -> &AnyRun {
        &self.run
    }

    /// The input that the run was started with.
    ///
    /// # Errors
    /// As [`AnyRun::record`]; `STORED_VALUE_CORRUPT` if it cannot be decoded as `W::Input`.
    pub async fn input(&self) -> Result<W::Input, Error> {
        let request = self.run.request().await?;
        request.input.load().map_err(|error| Error::stored_value(self.id(), "its input", error))
    }

    /// The complete configuration of the run, defaults included.
    ///
    /// # Errors
    /// As [`AnyRun::record`]; `STORED_VALUE_CORRUPT` if it cannot be decoded as `W::Config`.
    pub async fn config(&self) -> Result<W::Config, Error> {
        let request = self.run.request().await?;
        request.config.load().map_err(|error| Error::stored_value(self.id(), "its configuration", error))
    }

    /// Waits for the run to end, and returns its output. If no worker has the run's definition, that may never happen: a warning
    /// is logged, and [`AnyRun::blocked_reason`] returns the reason.
    ///
    /// # Errors
    /// [`Error::is_run_failed`] if a stage failed permanently; [`Error::is_run_cancelled`]; `SHUTTING_DOWN` if the engine shuts
    /// down first: the run continues as soon as a worker runs again.
    pub async fn output(&self) -> Result<W::Output, Error> {
        let run = self.run.completed().await?;
        match self.decode_output(run.output.clone()).await {
            // That generation's output follows.
            Err(error) if self.run.is_rerun_since(&run, &error).await? => Box::pin(self.output()).await,
            output => output.map_err(|error| self.run.engine().unless_closed(error)),
        }
    }

    /// The outputs of the stages that have completed so far.
    ///
    /// # Errors
    /// As [`AnyRun::record`]; `STORED_VALUE_CORRUPT` if one cannot be decoded as its stage's output type.
    pub async fn outputs(&self) -> Result<W::Outputs, Error> {
        let stage_keys: Vec<StageKey> = W::definition().stages.iter().map(StageDefinition::key).collect();
        let stored = self.run.engine().kernel().stored_outputs(self.id(), &stage_keys).await?;
        if stored.is_empty() {
            self.run.check_exists().await?;
        }
        let stored = stored.into_iter().map(|(key, output)| (key.id, output)).collect();
        W::decode_outputs(&stored).map_err(|error| Error::stored_value(self.id(), "an output", error))
    }

    /// The output of a stage, if it has completed.
    ///
    /// # Errors
    /// As [`AnyRun::record`]; `STORED_VALUE_CORRUPT` if it cannot be decoded as the stage's output type.
    pub async fn stage_output<S: Stage>(&self) -> Result<Option<S::Output>, Error>
    where
        W: HasStage<S>,
    {
        let Some(output) = self.run.stage_output(S::DECLARATION.id).await? else { return Ok(None) };
        output.load().map(Some).map_err(|error| {
            Error::stored_value(self.id(), format_args!("the output of `{}`", S::DECLARATION.id), error)
        })
    }

    /// One artifact of a stage, if it exists.
    ///
    /// # Errors
    /// As [`AnyRun::record`]; `STORED_VALUE_CORRUPT` when the value is not the JSON of a `T`.
    pub async fn artifact<S: Stage, T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error>
    where
        W: HasStage<S>,
    {
        let Some(json) = self.run.artifact(S::DECLARATION.id, key).await? else { return Ok(None) };
        let unreadable = |error| Error::stored_value(self.id(), format_args!("artifact `{key}`"), error);
        json.decode().map(Some).map_err(unreadable)
    }

    /// Checks a waiting stage now, as [`Engine::wake`] does. Returns `false` if the stage is not waiting.
    ///
    /// # Errors
    /// The errors of [`Engine::wake`].
    pub async fn wake<S: Stage>(&self) -> Result<bool, Error>
    where
        W: HasStage<S>,
    {
        self.run.wake(S::DECLARATION.id).await
    }

    /// Adds annotations to one of the run's stages.
    ///
    /// # Errors
    /// The errors of [`AnyRun::annotate`].
    pub async fn annotate_stage<S: Stage>(&self, annotation: Annotation) -> Result<(), Error>
    where
        W: HasStage<S>,
    {
        self.run.annotate_stage(S::DECLARATION.id, annotation).await
    }

    /// Raises the budget of one stage of this run, regardless of the budget that the stage declares. Returns the number
    /// of resumed stages.
    ///
    /// # Errors
    /// `STAGE_NOT_FOUND` if the run has not started; the errors of [`AnyRun::raise_budget`].
    pub async fn raise_stage_budget<S: Stage>(&self, budget: Cost) -> Result<usize, Error>
    where
        W: HasStage<S>,
    {
        self.run.raise_stage_budget(S::DECLARATION.id, budget).await
    }

    /// The attempts of a stage, in all generations of the run, oldest first: see [`AnyRun::attempts`].
    ///
    /// # Errors
    /// As [`AnyRun::record`].
    pub async fn attempts<S: Stage>(&self) -> Result<Vec<AttemptRecord>, Error>
    where
        W: HasStage<S>,
    {
        self.run.attempts(S::DECLARATION.id).await
    }

    /// Runs a stage again, with its direct and indirect successors and every stage that has not completed: see
    /// [`AnyRun::rerun_from`].
    pub fn rerun_from<S: Stage>(&self) -> Rerun
    where
        W: HasStage<S>,
    {
        self.run.rerun_from(S::DECLARATION.id)
    }

    async fn decode_output(&self, output: Option<StoredValue>) -> Result<W::Output, Error> {
        let definition = W::definition();
        // A run with one output stage holds that stage's output itself.
        let outputs = match output.filter(|_| !definition.output.has_choice()) {
            Some(output) => vec![self.run.resolve(output).await?],
            None => self.run.engine().kernel().output_values_of(self.run.id(), definition).await?,
        };
        W::decode_output(&outputs).map_err(|error| Error::stored_value(self.id(), "its output", error))
    }
}

impl AnyRun {
    /// The same run with the types of its workflow.
    ///
    /// # Errors
    /// `WORKFLOW_MISMATCH` if the run belongs to another workflow than `W`, or to another version of it; the errors of
    /// [`AnyRun::record`].
    pub async fn into_typed<W: Workflow>(self) -> Result<RunHandle<W>, Error> {
        self.engine().run_handle(self.id()).await
    }
}

impl<W: Workflow> Deref for RunHandle<W> {
    type Target = AnyRun;

    fn deref(&self) -> &AnyRun {
        &self.run
    }
}

impl<W: Workflow> From<RunHandle<W>> for AnyRun {
    fn from(handle: RunHandle<W>) -> Self {
        handle.run
    }
}

impl<W: Workflow> Clone for RunHandle<W> {
    fn clone(&self) -> Self {
        Self { run: self.run.clone(), workflow: PhantomData }
    }
}

impl<W: Workflow> std::fmt::Debug for RunHandle<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunHandle")
            .field("workflow", &W::definition().id)
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
