//! A handle of one run.

use std::marker::PhantomData;

use super::{Engine, Events, Logs};
use crate::error::{Error, ErrorCode};
use crate::kernel::CancelRun;
use crate::language::Workflow;
use crate::records::{RunRecord, Status, StoredValue};
use crate::value::{Json, RunId};

/// A handle of a run of the workflow `W`: its status, events, logs and outputs. Dropping it does not affect the run. It keeps its
/// [`Engine`] alive.
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
/// assert!(!run.cancel("too late").await?);
/// # Ok(())
/// # }
/// ```
pub struct RunHandle<W: Workflow> {
    engine: Engine,
    run_id: RunId,
    workflow: PhantomData<fn() -> W>,
}

impl<W: Workflow> RunHandle<W> {
    pub(super) const fn new(engine: Engine, run_id: RunId) -> Self {
        Self { engine, run_id, workflow: PhantomData }
    }

    /// The run's id; [`Engine::run_handle`] makes a handle of it again.
    #[must_use]
    pub const fn id(&self) -> RunId {
        self.run_id
    }

    /// The run's record in the store.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; an error of the store, here and below.
    pub async fn record(&self) -> Result<RunRecord, Error> {
        self.engine.find_run(self.run_id).await
    }

    /// The run's status now.
    ///
    /// # Errors
    /// As [`RunHandle::record`].
    pub async fn status(&self) -> Result<Status, Error> {
        self.record().await.map(|run| run.status)
    }

    /// Why the run cannot continue although it has not failed: no process has its workflow (`WORKFLOW_NOT_FOUND`) or its
    /// definition (`DEFINITION_MISMATCH`), or it waits for [`RunHandle::raise_budget`] (`BUDGET_EXCEEDED`). `None` if the run
    /// continues, waits for something else, or has ended.
    ///
    /// For a missing definition the result is this process's view: it lacks the definition itself, some work of the run is due,
    /// and no worker holds a lease on the run. During a rolling deployment the reason disappears as soon as a worker with the
    /// definition is free.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn greet(name: String) -> StageResult<String> {
    ///     Ok(format!("Hello, {name}"))
    /// }
    ///
    /// workflow! { Greeting = greet }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Greeting>().build().await?;
    /// let run = engine.start::<Greeting>(GreetInput { name: "Ada".into() }).await?;
    /// assert!(run.blocked_reason().await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`RunHandle::record`].
    pub async fn blocked_reason(&self) -> Result<Option<Error>, Error> {
        self.engine.kernel().blocked_reason(self.run_id).await
    }

    /// The input that the run was started with.
    ///
    /// # Errors
    /// As [`RunHandle::record`]; `STORED_VALUE_CORRUPT` if it cannot be decoded as `W::Input`.
    pub async fn input(&self) -> Result<W::Input, Error> {
        let request =
            self.store().request(self.run_id).await?.ok_or_else(|| Error::run_not_found(self.run_id))?;
        request.input.load().map_err(|error| Error::stored_value(self.run_id, "its input", error))
    }

    /// Waits for the run to end, and returns its output. If no worker has the run's definition, that may never happen: a warning
    /// is logged, and [`RunHandle::blocked_reason`] returns the reason.
    ///
    /// # Errors
    /// [`Error::is_run_failed`] if a stage failed permanently; [`Error::is_run_cancelled`]; `SHUTTING_DOWN` if the engine shuts
    /// down first: the run continues as soon as a worker runs again.
    pub async fn output(&self) -> Result<W::Output, Error> {
        let run = self.ended().await?;
        match run.status {
            Status::Failed => {
                let message = run.error.map_or_else(|| "for an unknown reason".into(), |error| error.message);
                Err(Error::run_failed(self.run_id, &message))
            }
            Status::Cancelled => Err(Error::run_cancelled(self.run_id, run.cancel_reason.as_deref())),
            _ => match self.decode_output(run.output).await {
                // A rerun has deleted it since: that generation's output follows.
                Err(error)
                    if error.code() == ErrorCode::BlobMissing
                        && self.record().await?.generation != run.generation =>
                {
                    Box::pin(self.output()).await
                }
                output => output.map_err(|error| self.engine.unless_closed(error)),
            },
        }
    }

    /// The outputs of the stages that have completed so far.
    ///
    /// # Errors
    /// As [`RunHandle::record`]; `STORED_VALUE_CORRUPT` if one cannot be decoded as its stage's output type.
    pub async fn outputs(&self) -> Result<W::Outputs, Error> {
        let stage_ids: Vec<String> = W::definition().stages.iter().map(|stage| stage.id.clone()).collect();
        let stored = self.engine.kernel().stored_outputs(self.run_id, &stage_ids).await?;
        if stored.is_empty() {
            self.check_exists().await?;
        }
        W::decode_outputs(&stored).map_err(|error| Error::stored_value(self.run_id, "an output", error))
    }

    /// The run's events as they are committed, from the first to the one that ends the run.
    #[must_use]
    pub fn events(&self) -> Events {
        Events::new(self.engine.clone(), self.run_id)
    }

    /// The run's log lines as they are committed, from the first on, until the run ends.
    #[must_use]
    pub fn logs(&self) -> Logs {
        Logs::new(self.engine.clone(), self.run_id)
    }

    /// Cancels the run: its running bodies are stopped, and nothing of this generation is committed afterwards. Returns `false` if
    /// the run had already ended.
    ///
    /// # Errors
    /// An error of the store.
    pub async fn cancel(&self, reason: impl Into<String>) -> Result<bool, Error> {
        let command = CancelRun { run_id: self.run_id, reason: Some(reason.into()) };
        Ok(self.engine.dispatch(command).await?.cancelled)
    }

    /// Checks a waiting stage now, as [`Engine::wake`] does. Returns `false` if the stage is not waiting.
    ///
    /// # Errors
    /// `STAGE_NOT_FOUND` if the workflow has no stage with this id; an error of the store.
    pub async fn wake(&self, stage_id: impl Into<String>) -> Result<bool, Error> {
        self.engine.wake(self.run_id, stage_id).await
    }

    async fn ended(&self) -> Result<RunRecord, Error> {
        let mut watch = self.store().hints().watch_run(self.run_id);
        let mut is_warned = false;
        loop {
            let run = self.record().await.map_err(|error| self.engine.unless_closed(error))?;
            if run.status.is_terminal() {
                return Ok(run);
            }
            let registry = self.engine.kernel().registry();
            let is_known = registry.by_fingerprint(&run.definition_fingerprint).is_some();
            if !is_warned
                && !is_known
                && let Some(reason) =
                    self.blocked_reason().await.map_err(|error| self.engine.unless_closed(error))?
            {
                tracing::warn!(run = %self.run_id, code = reason.code().as_str(), %reason, "a caller waits for the output of a run that no worker of this process can continue");
                is_warned = true;
            }
            // Read the run only when it may have ended, not after each of its commits.
            if is_known {
                self.engine.until_closed(watch.may_be_over()).await?;
            } else {
                self.engine.changed(&mut watch).await?;
            }
        }
    }

    async fn decode_output(&self, output: Option<StoredValue>) -> Result<W::Output, Error> {
        let definition = W::definition();
        // A run with one output stage holds that stage's output itself.
        if let Some(output) = output {
            let output = self.engine.kernel().resolve(self.run_id, output).await?;
            return W::decode_output(&[output])
                .map_err(|error| Error::stored_value(self.run_id, "its output", error));
        }
        let stage_ids = definition.output_stage_ids();
        let mut stored = self.engine.kernel().stored_outputs(self.run_id, &stage_ids).await?;
        let outputs: Vec<Json> = stage_ids
            .iter()
            .map(|stage_id| {
                stored.remove(stage_id).ok_or_else(|| Error::stage_not_found(self.run_id, stage_id))
            })
            .collect::<Result<_, _>>()?;
        W::decode_output(&outputs).map_err(|error| Error::stored_value(self.run_id, "its output", error))
    }

    /// Returns these records. If there are none, the run must exist.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`.
    pub(super) async fn unless_gone<T>(&self, records: Vec<T>) -> Result<Vec<T>, Error> {
        if records.is_empty() {
            self.check_exists().await?;
        }
        Ok(records)
    }

    /// Checks that the run exists.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`.
    pub(super) async fn check_exists(&self) -> Result<(), Error> {
        self.engine.check_exists(self.run_id).await
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn store(&self) -> &std::sync::Arc<dyn crate::ports::Store> {
        self.engine.store()
    }
}

impl<W: Workflow> Clone for RunHandle<W> {
    fn clone(&self) -> Self {
        Self::new(self.engine.clone(), self.run_id)
    }
}

impl<W: Workflow> std::fmt::Debug for RunHandle<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunHandle")
            .field("workflow", &W::definition().id)
            .field("id", &self.run_id)
            .finish_non_exhaustive()
    }
}
