//! The facade: a store, a kernel and a worker as one value that a program builds.

mod into_store;
mod builder;
mod state_values;
mod state;
mod start;
mod any_run;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod enqueue;
mod handle;
mod run_values;
mod history;
mod notes;
mod costs;
mod cost_report;
mod expensive_runs;
mod timeline;
mod timeline_fold;
mod workers;
mod definitions;
mod versions;
mod stage_times;
mod progress;
mod rerun;
mod fork;
mod actions;
mod run_signal;
mod approvals;
#[cfg(feature = "schedules")]
mod schedules;
#[cfg(feature = "schedules")]
mod new_schedule;
mod bulk;
mod dead_letters;
mod condition;
mod indexes;
mod deletion;
mod events;
mod logs;
mod list;
mod runs;
mod run_conditions;
mod measurements;
mod signals;
mod shutdown;

use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub use any_run::AnyRun;
pub use approvals::{ApprovalId, PendingApproval};
pub use builder::EngineBuilder;
pub use bulk::{BulkItem, BulkOutcome};
pub use events::Events;
pub use fork::Fork;
pub use handle::RunHandle;
pub use into_store::{IntoStore, StoreSource};
pub use list::{Cursor, List, Page};
pub use logs::Logs;
#[cfg(feature = "schedules")]
pub use new_schedule::{CronSchedule, PeriodicSchedule};
pub use rerun::Rerun;
pub use run_signal::Signal;
#[cfg(feature = "schedules")]
pub use schedules::{Backfill, ScheduleInfo, ScheduleStatus, Schedules, Trigger};
pub use start::StartRun;
pub use versions::WorkflowVersion;
pub use workers::{WorkerState, WorkerStatus};

use crate::error::Error;
use crate::host::serverless::{Serverless, ServerlessSettings};
use crate::host::{ShutdownReport, Worker};
use crate::kernel::{Command, CreateRun, Kernel, RemoveSubscriber, WakeStage};
use crate::language::Workflow;
use crate::ports::Store;
use crate::records::{Actor, RunRecord, SubscriberRecord};
use crate::value::{Json, RunId, StageKey};

/// Runs workflows durably.
///
/// [`Engine::builder`] takes the store and the workflows; [`EngineBuilder::build`] opens the store and starts a worker in
/// this process. Clones are the same engine.
///
/// An engine lives as long as one of its handles: a clone, a [`RunHandle`], a stream of events or log lines, or a
/// [`Serverless`] host. With the last of them it ends, also outside of every runtime: its bodies are stopped, their jobs
/// return to the queue without counting the attempt, and its threads and files are closed. A store that you have opened
/// yourself stays open for as long as you hold it. [`Engine::shutdown`] lets bodies finish before.
///
/// The worker runs on the tokio runtime in which the engine was built. When that runtime ends, the jobs of its bodies
/// return to the queue, and the worker continues on the runtime of the next call. So an engine may be in a `static`.
///
/// A caller may stop waiting for any call: what was sent to the store takes effect, and a run that was started that way is
/// executed.
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
///
/// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
/// assert_eq!(run.output().await?, 42);
///
/// engine.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
    /// On whose behalf this handle dispatches commands.
    actor: Option<Arc<Actor>>,
}

struct Inner {
    kernel: Arc<Kernel>,
    worker: Option<Arc<Worker>>,
    backlog: measurements::LastBacklog,
    /// Whether the engine has opened its store itself.
    owns_store: bool,
    /// Cancelled when waiting handles must return.
    closed: CancellationToken,
    /// Cancelled when the engine has shut down.
    stopped: CancellationToken,
    /// The report of the shutdown, once one has begun.
    shutdown: Mutex<Option<watch::Receiver<Option<ShutdownReport>>>>,
}

impl Engine {
    /// Configures an engine on a store: a URL (`sqlite://path`, a file path, `postgres://user:password@host/database` or
    /// `memory:`), [`SqliteOptions`](crate::stores::SqliteOptions), [`PostgresOptions`](crate::stores::PostgresOptions), or
    /// a store that is open. See [`IntoStore`].
    ///
    /// [`EngineBuilder::build`] opens the store.
    pub fn builder(store: impl IntoStore) -> EngineBuilder {
        EngineBuilder::new(store)
    }

    /// Starts a run: `engine.start::<W>(input).await?`, or with options in between,
    /// `engine.start::<W>(input).idempotency_key("order-7").priority(8).await?`.
    pub fn start<W: Workflow>(&self, input: W::Input) -> StartRun<'_, W> {
        StartRun::new(self, input)
    }

    /// A handle of a run that was started before, by this process or another one.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; `WORKFLOW_MISMATCH` if the run belongs to another workflow than `W`, or to another version of it.
    pub async fn run_handle<W: Workflow>(&self, run_id: RunId) -> Result<RunHandle<W>, Error> {
        let run = self.find_run(run_id).await?;
        let definition = W::definition();
        if run.workflow_id != definition.id {
            return Err(Error::workflow_mismatch(run_id, &definition.id, &run.workflow_id));
        }
        self.kernel().registry().check_type(run_id, &run.definition_fingerprint, definition)?;
        Ok(RunHandle::new(self.clone(), run_id))
    }

    /// Checks a waiting stage now, before its next poll is due: call it from a webhook of the remote service. If a check is
    /// running, which may have come too early, another one follows it. Returns `false` if the stage is not waiting, either not
    /// yet or no longer; the call then has no effect.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage(check = answered, poll_every = "1h")]
    /// async fn ask(question: String) -> StageResult<String> {
    ///     Ok(question) // the ticket
    /// }
    ///
    /// #[check]
    /// async fn answered(question: &String) -> StageResult<Check<usize>> {
    ///     Ok(Check::Ready(question.len()))
    /// }
    ///
    /// workflow! { Asking = ask }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Asking>().build().await?;
    /// let run = engine.start::<Asking>(AskInput { question: "Why?".into() }).await?;
    /// while !engine.wake(run.id(), "ask").await? {
    ///     tokio::task::yield_now().await; // its ticket is not committed yet
    /// }
    /// assert_eq!(run.output().await?, 4); // and not in an hour
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; `STAGE_NOT_FOUND` if its workflow has no stage with this id; `WORKFLOW_NOT_FOUND` or
    /// `DEFINITION_MISMATCH` if this engine's worker lacks the run's definition and no other worker holds a job of the run: the
    /// check runs as soon as a worker has the definition; an error of the store.
    pub async fn wake(&self, run_id: RunId, stage_key: impl Into<StageKey>) -> Result<bool, Error> {
        let command = WakeStage { run_id, stage_key: stage_key.into() };
        Ok(self.dispatch(command).await?.woken)
    }

    /// A host that works only while it is called: for functions that live as long as a request. It is usually built on an
    /// engine without a worker ([`EngineBuilder::without_worker`]); such an engine also notifies the scheduler of the settings
    /// when it starts a run, or when one of its commands makes work ready.
    ///
    /// # Errors
    /// `INVALID_SETTING` for a setting that is out of its range; `MISSING_STATE` if a stage of a registered workflow takes
    /// `#[state]` that the engine does not have.
    pub fn serverless(&self, settings: ServerlessSettings) -> Result<Serverless, Error> {
        settings.check()?;
        self.kernel().check_state()?;
        if let Some(scheduler) = &settings.scheduler {
            self.kernel().add_scheduler(Arc::downgrade(scheduler));
        }
        Ok(Serverless::new(Arc::clone(self.kernel()), settings, Arc::clone(&self.inner) as _))
    }

    /// The plugins, and the `sink`, that are registered in the store, also those that this process does not have, by name.
    /// Each commit keeps its events for all of them until they have received them.
    ///
    /// # Errors
    /// An error of the store.
    pub async fn subscribers(&self) -> Result<Vec<SubscriberRecord>, Error> {
        self.kernel().registered_subscribers().await
    }

    /// Removes a plugin, or the `sink`, from the store, with its undelivered events and dead letters. Returns whether the
    /// store had it. Remove it from the programs first: a process that has it registers it again when it starts.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = workflow_engine::Engine::builder("memory:").build().await?;
    /// // The program no longer has the plugin `bell`.
    /// engine.remove_subscriber("bell").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn remove_subscriber(&self, name: &str) -> Result<bool, Error> {
        Ok(self.dispatch(RemoveSubscriber { name: name.to_owned() }).await?.removed)
    }

    /// Executes a command of the kernel.
    ///
    /// # Errors
    /// As the command documents.
    pub async fn dispatch<C: Command>(&self, command: C) -> Result<C::Output, Error> {
        self.ensure_runtime();
        let dispatched = match &self.actor {
            Some(actor) => self.kernel().dispatch_by(command, actor).await,
            None => self.kernel().dispatch(command).await,
        };
        dispatched.map_err(|error| self.unless_store_closed(error))
    }

    /// Checks whether this process can create the run: its workflow is registered, and input, configuration, tags and
    /// annotations are valid. It creates nothing, and does not read the store: whether the idempotency key is free shows when
    /// the command is dispatched.
    ///
    /// ```
    /// use workflow_engine::kernel::CreateRun;
    /// use workflow_engine::{Engine, Json};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").build().await?;
    /// let unknown = CreateRun::new("invoice", Json::null());
    /// assert!(engine.check_run(&unknown).unwrap_err().is_not_found());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The errors of [`CreateRun`], apart from those of the store.
    pub fn check_run(&self, command: &CreateRun) -> Result<(), Error> {
        command.check_only(self.kernel())
    }

    /// Executes a command that is a JSON object: its name in `type`, and its fields. Durations are whole milliseconds, and
    /// the names of their fields end in `_ms`. Returns the command's output as JSON.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = workflow_engine::Engine::builder("memory:").build().await?;
    /// let purge = r#"{"type": "retention.purge", "older_than_ms": 3600000}"#;
    /// assert_eq!(engine.dispatch_json(purge).await?.as_str(), r#"{"runs":[]}"#);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `INVALID_REQUEST` when it is not such an object, names no command, or has a field that is missing, unknown or of
    /// another type; otherwise the errors that the command documents.
    pub async fn dispatch_json(&self, command: &str) -> Result<Json, Error> {
        self.ensure_runtime();
        let dispatched = self.kernel().dispatch_json_by(command, self.actor.as_deref()).await;
        dispatched.map_err(|error| self.unless_store_closed(error))
    }

    /// The kernel.
    #[must_use]
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.inner.kernel
    }

    /// Waits until the engine has shut down: the last call of a process that only runs a worker, with
    /// [`EngineBuilder::shutdown_on_signals`].
    ///
    /// ```no_run
    /// use workflow_engine::prelude::*;
    ///
    /// # #[stage]
    /// # async fn double(number: u32) -> StageResult<u32> {
    /// #     Ok(number * 2)
    /// # }
    /// # workflow! { Doubling = double }
    /// #[tokio::main]
    /// async fn main() -> Result<(), workflow_engine::Error> {
    ///     let engine = Engine::builder("runs.db").register::<Doubling>().shutdown_on_signals().build().await?;
    ///     engine.wait_for_shutdown().await;
    ///     Ok(())
    /// }
    /// ```
    pub async fn wait_for_shutdown(&self) {
        self.inner.stopped.cancelled().await;
    }

    fn worker(&self) -> Option<&Arc<Worker>> {
        self.inner.worker.as_ref()
    }

    /// Returns the record of a run. A run that was enqueued in a transaction is created first.
    async fn find_run(&self, run_id: RunId) -> Result<RunRecord, Error> {
        let mut found = self.store().run(run_id).await?;
        if found.is_none() {
            // Read again in any case: another process may have created it meanwhile.
            self.kernel().accept_enqueued_run(run_id).await?;
            found = self.store().run(run_id).await?;
        }
        found.ok_or_else(|| Error::run_not_found(run_id))
    }

    fn store(&self) -> &Arc<dyn Store> {
        self.kernel().store()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("workflows", &self.kernel().definitions())
            .field("worker", &self.inner.worker.is_some())
            .finish_non_exhaustive()
    }
}
