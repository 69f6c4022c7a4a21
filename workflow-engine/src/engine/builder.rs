//! Configuring an engine: its workflows, worker, subscribers and limits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::into_store::{IntoStore, StoreSource};
use super::measurements::LastBacklog;
use super::signals::shutdown_on_signals;
use super::state_values::StateValues;
use super::{Engine, Inner};
use crate::definition::WorkflowDefinition;
use crate::error::Error;
use crate::error::descriptors::shortage;
use crate::host::{Worker, WorkerSettings};
#[cfg(feature = "schedules")]
use crate::kernel::PutSchedule;
use crate::kernel::{Kernel, KernelConfig, LocalExecutor, WorkflowRegistry, check_state, check_subscribers};
use crate::language::Workflow;
use crate::ports::{ActivityExecutor, BlobStore, Clock, EventSink, Plugin, Store, SystemClock};
#[cfg(feature = "schedules")]
use crate::records::Schedule;
use crate::telemetry::TraceContext;
use crate::value::Limits;
use crate::value::setting::{DAY, check_range};

/// The file descriptors that must be free when the store is open: for the worker, for connections that a store opens
/// later, and for the bodies of stages.
const SPARE_DESCRIPTORS: usize = 16;

/// Registers workflows, and sets what differs from the defaults.
#[must_use = "an engine does nothing until it is built"]
pub struct EngineBuilder {
    store: StoreSource,
    clock: Arc<dyn Clock>,
    definitions: Vec<&'static WorkflowDefinition>,
    compatible: Vec<(&'static WorkflowDefinition, String)>,
    executor: Arc<dyn ActivityExecutor>,
    sink: Option<Arc<dyn EventSink>>,
    plugins: Vec<Arc<dyn Plugin>>,
    blobs: Option<Arc<dyn BlobStore>>,
    inline_limit: usize,
    limits: Limits,
    trace_context: Option<Arc<dyn TraceContext>>,
    lease: Duration,
    worker: WorkerSettings,
    has_worker: bool,
    shutdown_on_signals: bool,
    #[cfg(feature = "schedules")]
    schedules: Vec<Schedule>,
    pub(super) state: StateValues,
}

impl EngineBuilder {
    pub(super) fn new(store: impl IntoStore) -> Self {
        Self::with_clock(store, Arc::new(SystemClock))
    }

    /// Builds an engine on your own store with your own clock: the two must agree on the time.
    pub fn with_store(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self::with_clock(store, clock)
    }

    fn with_clock(store: impl IntoStore, clock: Arc<dyn Clock>) -> Self {
        Self {
            store: store.into_store(),
            clock,
            definitions: Vec::new(),
            compatible: Vec::new(),
            executor: Arc::new(LocalExecutor),
            sink: None,
            plugins: Vec::new(),
            blobs: None,
            inline_limit: KernelConfig::INLINE_LIMIT,
            limits: Limits::default(),
            trace_context: default_trace_context(),
            lease: KernelConfig::LEASE,
            worker: WorkerSettings::default(),
            has_worker: true,
            shutdown_on_signals: false,
            #[cfg(feature = "schedules")]
            schedules: Vec::new(),
            state: StateValues::default(),
        }
    }

    /// Registers a workflow. The worker leaves runs of workflows that are not registered to other processes.
    ///
    /// Several versions of one workflow may be registered: `register::<v1::Filing>().register::<v2::Filing>()`, with one id
    /// and two values of `#[workflow(version = N)]`. Each run is executed with the version that it was started with.
    /// [`Engine::start`] starts the version of its type; a command without a version starts the newest.
    ///
    /// [`build`](Self::build) returns the error of a definition that cannot be registered.
    pub fn register<W: Workflow>(mut self) -> Self {
        self.definitions.push(W::definition());
        self
    }

    /// Registers a workflow, and declares that it can execute runs that were created with earlier definitions of it, given by
    /// their [fingerprints](crate::definition::WorkflowDefinition::fingerprint). Without this declaration, such runs wait for a
    /// process that has their definition.
    ///
    /// Use it for a change that alters the fingerprint but no stored value: a new `version`, a new optional field. The graph must
    /// be the same, and every stored output must decode as its new type. `testing::assert_compatible` checks that in a test, and
    /// the lock file contains the fingerprint. Before the worker executes such a run, it compares the run's stored state with the
    /// definition; if they do not match, it logs an error, and this process leaves runs with that fingerprint to others.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage(version = 2)]
    /// async fn greet(name: String) -> StageResult<String> {
    ///     Ok(format!("Hello, {name}"))
    /// }
    ///
    /// workflow! { Greeting = greet }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let version_1 = "4f2d1d0f8b7a4a0b9c6f0f3c58cf2e7d54c3f9a15e0c5f6b7a8d9e0f1a2b3c4d";
    /// let engine = Engine::builder("memory:").register_compatible::<Greeting>([version_1]).build().await?;
    /// # engine.shutdown().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn register_compatible<W: Workflow>(
        mut self,
        fingerprints: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let definition = W::definition();
        let fingerprints = fingerprints.into_iter();
        self.compatible.extend(fingerprints.map(|fingerprint| (definition, fingerprint.into())));
        self.register::<W>()
    }

    /// Adds a schedule, which [`build`](Self::build) creates, or changes where the store has another one of its id. A schedule
    /// that is no longer added stays in the store until it is deleted. `build` returns the error of one that is not valid.
    #[cfg(feature = "schedules")]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedules.push(schedule);
        self
    }

    /// Starts no worker: this engine creates and watches runs, and other processes execute them.
    pub fn without_worker(mut self) -> Self {
        self.has_worker = false;
        self
    }

    /// How many stage bodies run at the same time; 1 to 1,000,000. Default: 128.
    ///
    /// While bodies take less than 10 ms on average, and at most half of those that are allowed run, the worker holds up to
    /// four times as many jobs, because such jobs mostly wait for commits. A job whose body cannot start within 100 ms returns to the queue, and the attempt does not
    /// count.
    pub fn concurrency(mut self, bodies: usize) -> Self {
        self.worker.concurrency = bodies;
        self
    }

    /// The worker's name in leases, records and logs. Two workers that run at the same time need different names. Default: the
    /// process id and a random part. At most 255 bytes.
    pub fn worker_id(mut self, worker_id: impl Into<String>) -> Self {
        self.worker.worker_id = worker_id.into();
        self
    }

    /// How long a run must be without any change before the worker checks whether it is stuck, and the interval between two
    /// checks. See [`ReapStuckRuns`](crate::kernel::ReapStuckRuns). 1 s to 100 years. Default: 1 h.
    pub fn stuck_threshold(mut self, threshold: Duration) -> Self {
        self.worker.stuck_threshold = threshold;
        self
    }

    /// Fails runs that have waited for longer than this for a process with their workflow or definition; their code is
    /// `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH`. 1 s to 100 years. Default: never. Such runs wait, and
    /// [`AnyRun::blocked_reason`](crate::AnyRun::blocked_reason) returns the reason.
    ///
    /// Set it only if all workers of the store have the same workflows: each worker judges by its own registrations, and does
    /// not know about a worker that starts an hour later.
    pub fn unclaimed_timeout(mut self, limit: Duration) -> Self {
        self.worker.unclaimed_limit = Some(limit);
        self
    }

    /// How long [`Engine::shutdown`] waits for running stage bodies and for the delivery of the last events. It ends one second
    /// later at the latest. 0 to 30 days. Default: 30 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.worker.drain_timeout = timeout;
        self
    }

    /// How long a claim lasts unless the worker renews it, which it does three times per lease. The job of a worker that died
    /// can be claimed again after this time. 100 ms to 365 days. Default: 15 s.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Delivers every event to this sink, at least once and in order within each run: one of [`sinks`](crate::sinks) or your
    /// own. Default: none; events stay in the store, where [`AnyRun::events`](crate::AnyRun::events) reads them.
    ///
    /// [`build`](Self::build) registers the sink in the store under the name `sink`: the events of every process reach it,
    /// also of processes without it, and wait in the store until a process that has it delivers them. A store has one sink.
    pub fn event_sink(mut self, sink: impl EventSink + 'static) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// Adds a subscriber of events. Each plugin has its own delivery state: one that fails does not delay or repeat deliveries
    /// to the sink or to other plugins. A plugin that is new to a store receives the events from then on.
    pub fn plugin(mut self, plugin: impl Plugin + 'static) -> Self {
        self.plugins.push(Arc::new(plugin));
        self
    }

    /// Lets the worker delete runs that ended at least this long ago, with everything that belongs to them; see
    /// [`PurgeRuns`](crate::kernel::PurgeRuns). A run's idempotency key is deleted with it: the same key then creates a new run.
    /// 1 s to 100 years. Default: runs are kept.
    pub fn retention(mut self, older_than: Duration) -> Self {
        self.worker.retention = Some(older_than);
        self
    }

    /// Stores outputs that exceed the inline limit. Default: a table of the store.
    pub fn blob_store(mut self, blobs: impl BlobStore + 'static) -> Self {
        self.blobs = Some(Arc::new(blobs));
        self
    }

    /// Outputs of more bytes than this are stored as blobs; at most 1 GiB. Default: 16 KiB.
    pub fn inline_limit(mut self, bytes: usize) -> Self {
        self.inline_limit = bytes;
        self
    }

    /// Refuses inputs, configurations, outputs, tickets and artifacts of more bytes than this, as JSON, with
    /// `PAYLOAD_TOO_LARGE`: starting a run returns the error, and a stage fails permanently. Store larger data elsewhere, and
    /// pass a reference. 1 KiB to 1 GiB. Default: 64 MiB.
    pub fn payload_limit(mut self, bytes: usize) -> Self {
        self.limits.payload_bytes = bytes;
        self
    }

    /// Runs stage bodies through this executor. Default: in this process.
    pub fn executor(mut self, executor: impl ActivityExecutor + 'static) -> Self {
        self.executor = Arc::new(executor);
        self
    }

    /// Carries the trace of the caller of a run to its stages. Default: with the feature `otel` that of OpenTelemetry,
    /// otherwise none.
    pub fn trace_context(mut self, context: impl TraceContext + 'static) -> Self {
        self.trace_context = Some(Arc::new(context));
        self
    }

    /// The clock of the engine.
    #[cfg_attr(not(feature = "ai"), allow(dead_code, reason = "the AI client uses it"))]
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// Shuts the engine down on SIGTERM and SIGINT (Ctrl-C): the worker drains, and waiting handles return `SHUTTING_DOWN`, so
    /// that the program can end by itself. If a body runs code without an `.await`, the program cannot: then the process ends
    /// one second after the drain timeout, with the exit code 128 plus the number of the signal. A second signal ends the
    /// process at once.
    pub fn shutdown_on_signals(mut self) -> Self {
        self.shutdown_on_signals = true;
        self
    }

    /// Opens the store, and starts the worker on the current tokio runtime; it continues what earlier processes left.
    ///
    /// # Errors
    /// `INVALID_SETTING` for a setting that is out of its range, also of a worker that is switched off;
    /// `UNSUPPORTED_STORE`, `STORE_UNAVAILABLE`, `STORE_LOCKED`, `STORE_FAILED`, `SCHEMA_OUTDATED` or `MISSING_PRIVILEGE` if
    /// the store cannot be opened; `DUPLICATE_WORKFLOW` if two workflows share an id and a version; `INVALID_STAGE_ID`,
    /// `CONFIG_FIELD_CLASH` and `INVALID_CONFIG_RULE` as [`WorkflowRegistry::register`]; `WORKFLOW_NOT_FOUND` if a workflow
    /// that is a step of a registered one is not registered; the errors of `PutSchedule` for a [schedule](Self::schedule);
    /// `INVALID_FINGERPRINT` as [`WorkflowRegistry::declare_compatible`]; `DUPLICATE_PLUGIN` and `INVALID_REQUEST` for names
    /// of plugins; `MISSING_STATE` if the engine has a worker and a stage of a registered workflow takes `#[state]` that the
    /// engine does not have; `DUPLICATE_STATE` for two values of one type; `STATE_FAILED` if a function of
    /// [`state_with`](Self::state_with) fails; `WORKER_NOT_STARTED` if the system refuses a thread or a signal handler; `DESCRIPTORS_EXHAUSTED` if fewer
    /// than 16 file descriptors are free when the store is open.
    pub async fn build(self) -> Result<Engine, Error> {
        self.check_settings()?;
        let mut registry = WorkflowRegistry::default();
        for definition in self.definitions {
            registry.register(definition)?;
        }
        for (definition, fingerprint) in &self.compatible {
            registry.declare_compatible(definition, fingerprint)?;
        }
        registry.check_children()?;
        check_subscribers(self.sink.as_ref(), &self.plugins)?;
        self.state.check()?;
        if self.has_worker {
            let state = &self.state;
            check_state(
                registry.definitions(),
                |_, taken| state.contains(taken.type_id()),
                &state.type_names(),
            )?;
        }
        let owns_store = self.store.is_opened_here();
        let store = self.store.open().await?;
        if let Some(error) = shortage(SPARE_DESCRIPTORS) {
            store.close().await;
            return Err(Error::descriptors_exhausted("start the engine", error));
        }
        let extensions = match self.state.complete().await {
            Ok(extensions) => extensions,
            Err(error) => {
                if owns_store {
                    store.close().await;
                }
                return Err(error);
            }
        };
        let kernel = Kernel::new(KernelConfig {
            store,
            clock: self.clock,
            registry,
            executor: self.executor,
            sink: self.sink,
            plugins: self.plugins,
            blobs: self.blobs,
            inline_limit: self.inline_limit,
            extensions,
            limits: self.limits,
            trace_context: self.trace_context,
            lease: self.lease,
        });
        let registered = async {
            kernel.register_definitions().await?;
            #[cfg(feature = "schedules")]
            for schedule in self.schedules {
                kernel.dispatch(PutSchedule { schedule }).await?;
            }
            kernel.register_subscribers().await
        };
        if let Err(error) = registered.await {
            if owns_store {
                kernel.store().close().await;
            }
            return Err(error);
        }
        let worker = self.has_worker.then(|| Worker::start(&kernel, self.worker)).transpose()?.map(Arc::new);
        if let Some(worker) = &worker {
            worker.registered().await;
        }
        let engine = Engine {
            actor: None,
            inner: Arc::new(Inner {
                kernel,
                worker,
                backlog: LastBacklog::default(),
                owns_store,
                closed: CancellationToken::new(),
                stopped: CancellationToken::new(),
                shutdown: Mutex::default(),
            }),
        };
        if self.shutdown_on_signals {
            shutdown_on_signals(&engine)?;
        }
        Ok(engine)
    }

    fn check_settings(&self) -> Result<(), Error> {
        const GIBIBYTE: usize = 1 << 30;

        self.worker.check()?;
        check_range("lease", &self.lease, &(Duration::from_millis(100)..=DAY * 365))?;
        check_range("inline_limit", &self.inline_limit, &(0..=GIBIBYTE))?;
        check_range("payload_limit", &self.limits.payload_bytes, &(1024..=GIBIBYTE))
    }
}

/// Joins the traces of OpenTelemetry where its feature is on.
fn default_trace_context() -> Option<Arc<dyn TraceContext>> {
    #[cfg(feature = "otel")]
    let context: Option<Arc<dyn TraceContext>> = Some(Arc::new(crate::telemetry::OpenTelemetry));
    #[cfg(not(feature = "otel"))]
    let context = None;
    context
}

impl std::fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let workflows: Vec<&str> = self.definitions.iter().map(|definition| definition.id.as_str()).collect();
        f.debug_struct("EngineBuilder").field("workflows", &workflows).finish_non_exhaustive()
    }
}
