//! A handle of a run without the type of its workflow.

use super::Engine;
use crate::error::{Error, ErrorCode};
use crate::kernel::CancelRun;
use crate::ports::EndMark;
use crate::records::{RunRecord, StageRecord, Status};
use crate::value::{RunId, StageKey};

/// A handle of a run of any workflow: everything about it that needs no type. Values are JSON, and stages are named by
/// their ids. Dropping it does not affect the run. It keeps its [`Engine`] alive.
///
/// [`Engine::any_run`] makes one. A [`RunHandle`](crate::RunHandle) dereferences to one and adds the types of its workflow;
/// [`AnyRun::into_typed`] turns one into the other.
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
/// let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
/// let id = engine.start::<Doubling>(DoubleInput { number: 21 }).await?.id();
///
/// let run = engine.any_run(id).await?;
/// assert_eq!(run.output().await?.as_str(), "42");
/// assert_eq!(run.input().await?.as_str(), r#"{"number":21}"#);
/// assert_eq!(run.record().await?.workflow_id, "doubling");
///
/// let run = run.into_typed::<Doubling>().await?;
/// assert_eq!(run.output().await?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AnyRun {
    engine: Engine,
    run_id: RunId,
    /// A mark from before the run was created, if this handle has created it.
    created: Option<EndMark>,
}

impl Engine {
    /// A handle of a run of any workflow, also of one that this process does not have. A run that was enqueued in a
    /// transaction is created first.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; an error of the store.
    pub async fn any_run(&self, run_id: RunId) -> Result<AnyRun, Error> {
        self.find_run(run_id).await?;
        Ok(AnyRun::new(self.clone(), run_id))
    }
}

impl AnyRun {
    pub(super) const fn new(engine: Engine, run_id: RunId) -> Self {
        Self { engine, run_id, created: None }
    }

    /// A handle of a run of a registered workflow that was created after the mark.
    pub(super) const fn new_created(engine: Engine, run_id: RunId, mark: EndMark) -> Self {
        Self { engine, run_id, created: Some(mark) }
    }

    /// The run's id; [`Engine::any_run`] and [`Engine::run_handle`] make a handle of it again.
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
    /// As [`AnyRun::record`].
    pub async fn status(&self) -> Result<Status, Error> {
        self.record().await.map(|run| run.status)
    }

    /// Returns the run's stages as they are stored now, in reading order, with their metrics; none before the run has
    /// started.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; any error of reading the store.
    pub async fn stages(&self) -> Result<Vec<StageRecord>, Error> {
        self.unless_gone(self.store().stages(self.run_id).await?).await
    }

    /// Why the run cannot continue although it has not failed: no process has its workflow (`WORKFLOW_NOT_FOUND`) or its
    /// definition (`DEFINITION_MISMATCH`), or it waits for [`AnyRun::raise_budget`] (`BUDGET_EXCEEDED`), or it
    /// starts later, or a stage waits after a `delay` (`NOT_DUE`). `None` if the run continues, waits for something else, or
    /// has ended.
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
    /// As [`AnyRun::record`].
    pub async fn blocked_reason(&self) -> Result<Option<Error>, Error> {
        self.engine.kernel().blocked_reason(self.run_id).await
    }

    /// Cancels the run: its running bodies are stopped, and nothing of this generation is committed afterwards. Returns `false` if
    /// the run had already ended. The reason is stored with the run, and cut after 8 KiB.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; an error of the store.
    pub async fn cancel(&self, reason: impl Into<String>) -> Result<bool, Error> {
        let command = CancelRun { run_id: self.run_id, reason: Some(reason.into()) };
        Ok(self.engine.dispatch(command).await?.cancelled)
    }

    /// Checks a waiting stage now, as [`Engine::wake`] does. Returns `false` if the stage is not waiting.
    ///
    /// # Errors
    /// The errors of [`Engine::wake`].
    pub async fn wake(&self, stage_key: impl Into<StageKey>) -> Result<bool, Error> {
        self.engine.wake(self.run_id, stage_key).await
    }

    /// Waits for the run to end, and returns its record then. If no worker has the run's definition, that may never
    /// happen: a warning is logged, and [`AnyRun::blocked_reason`] returns the reason.
    ///
    /// # Errors
    /// `SHUTTING_DOWN` if the engine shuts down first: the run continues as soon as a worker runs again; the errors of
    /// [`AnyRun::record`].
    pub async fn wait(&self) -> Result<RunRecord, Error> {
        let hints = self.store().hints();
        let mut watch = hints.watch_run(self.run_id);
        // The worker of this engine has the definition, and most runs end in the process that starts them.
        if self.engine.worker().is_some()
            && self.created.is_some_and(|mark| hints.is_open_since(self.run_id, mark))
            && let Some(run) = self.engine.until_closed(watch.may_be_over()).await?
        {
            return Ok((*run).clone());
        }
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
            if !is_known {
                self.engine.changed(&mut watch).await?;
            } else if let Some(ended) = self.engine.until_closed(watch.may_be_over()).await?
                && ended.generation >= run.generation
            {
                return Ok((*ended).clone());
            }
        }
    }

    /// Waits for the run to end, and returns its record if it has completed.
    ///
    /// # Errors
    /// The error that ended the run; the errors of [`AnyRun::wait`].
    pub(super) async fn completed(&self) -> Result<RunRecord, Error> {
        let run = self.wait().await?;
        match run.status {
            Status::Failed => {
                let message = run.error.map_or_else(|| "for an unknown reason".into(), |error| error.message);
                Err(Error::run_failed(self.run_id, &message))
            }
            Status::Cancelled => Err(Error::run_cancelled(self.run_id, run.cancel_reason.as_deref())),
            _ => Ok(run),
        }
    }

    /// Returns whether a value of this generation was missing because a rerun has deleted it since.
    pub(super) async fn is_rerun_since(&self, run: &RunRecord, error: &Error) -> Result<bool, Error> {
        let is_missing = error.code() == ErrorCode::BlobMissing;
        Ok(is_missing && self.record().await?.generation != run.generation)
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
        self.record().await.map(drop)
    }

    pub(super) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn store(&self) -> &std::sync::Arc<dyn crate::ports::Store> {
        self.engine.store()
    }
}

impl std::fmt::Debug for AnyRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnyRun").field("id", &self.run_id).finish_non_exhaustive()
    }
}
