//! The kernel: commands that decide, and ports that commit.
//!
//! The kernel has no timers, signals, threads or globals. Every effect goes through a port, so the same kernel runs in
//! a worker, in a function that handles one request, and in a model test. Every command follows the same path: load,
//! decide (a pure function), commit, hint.
//!
//! A program sends commands with [`Engine::dispatch`](crate::Engine::dispatch), or as JSON with
//! [`Kernel::dispatch_json`].
//!
//! - `commands` has one file for each command.
//! - `attempt` runs one claimed job and commits its outcome.
//! - The other files hold the kernel's state, and the decisions that several commands share.

mod config;
mod commands;
mod audit;
mod attempt;
mod registry;
mod catalog;
mod compatibility;
mod run_graph;
mod run_cache;
mod running_jobs;
mod held_job;
mod background;
mod schedulers;
mod slots;
mod run_request;
mod stored_schema;
mod enqueued;
mod links;
mod output_values;
mod start_plan;
mod commit_from_snapshot;
mod measured;
mod idempotency;
mod repairs;
mod failure;
mod choice;
mod run_output;
mod named_place;
mod definition_stages;
mod signal_payload;
mod caught_stages;
mod catch;
mod lost_lease;
mod blocked_reason;
mod timers;
#[cfg(feature = "schedules")]
mod schedules;
mod stored_values;
mod ledger;
mod state;
mod subscribers;
mod recovery;
mod flush;
mod flush_output;
mod delivery_task;
mod local_executor;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use crate::value::{Limits, MAX_DEPTH, StageKey};
pub use attempt::JobOutcome;
pub(crate) use attempt::{WORKER_STOPS, return_lease};
pub(crate) use background::Background;
pub(crate) use catalog::DefinitionRuns;
pub(crate) use commands::start_pending;
pub use commands::{
    AttachAnnotation, AttachAnnotationOutput, CancelRun, CancelRunOutput, ClaimPendingRuns,
    ClaimPendingRunsOutput, ClaimedRun, Command, CreateRun, CreateRunOutput, DeleteRun, DeleteRunOutput,
    ExecuteJob, ExecuteJobOutput, FailOverdueRuns, FailOverdueRunsOutput, FailUnclaimedRuns,
    FailUnclaimedRunsOutput, FlushOutbox, FlushOutboxOutput, ForkRun, ForkRunOutput, PollSuspendedStages,
    PollSuspendedStagesOutput, PurgeRuns, PurgeRunsOutput, RaiseBudget, RaiseBudgetOutput, ReapStaleLeases,
    ReapStaleLeasesOutput, ReapStuckRuns, ReapStuckRunsOutput, RemoveSubscriber, RemoveSubscriberOutput,
    ReplayDeadLetters, ReplayDeadLettersOutput, ReportStage, ReportStageOutput, ReportedLog,
    ReportedProgress, RerunFrom, RerunFromOutput, RollUpCosts, RollUpCostsOutput, SignalRun, SignalRunOutput,
    TransitionAction, TransitionRun, TransitionRunOutput, WakeStage, WakeStageOutput,
};
#[cfg(feature = "schedules")]
pub use commands::{
    BackfillSchedule, BackfillScheduleOutput, BackfilledTick, DeleteSchedule, DeleteScheduleOutput,
    PauseSchedule, PauseScheduleOutput, PutSchedule, PutScheduleOutput, ResumeSchedule, ResumeScheduleOutput,
    TickSchedules, TickSchedulesOutput, TriggerSchedule, TriggerScheduleOutput,
};
pub use config::KernelConfig;
pub(crate) use held_job::HeldJob;
pub use local_executor::LocalExecutor;
pub(crate) use lost_lease::is_lost_to_another;
pub use registry::{Registered, WorkflowRegistry};
pub(crate) use slots::{NoSlots, Placement, Reservation, Slots};
pub(crate) use state::check_state;
pub(crate) use subscribers::check_subscribers;

use crate::error::Error;
use crate::ledger::CallLedger;
use crate::ports::{Clock, StartPlans, Store};
use crate::records::{Actor, DeadLetter, DeadLetterPlace, StoredValue, SubscriberRecord};
use crate::telemetry::Meters;
use crate::value::{Json, RunId};
use definition_stages::DefinitionStagesCache;
use run_cache::RunCache;
use running_jobs::RunningJobs;
use schedulers::Schedulers;
use subscribers::Subscribers;

/// Dispatches commands.
pub struct Kernel {
    /// The kernel itself, for work that continues without its caller.
    me: Weak<Self>,
    config: KernelConfig,
    subscribers: Subscribers,
    start_plans: Arc<StartPlans>,
    running: RunningJobs,
    run_cache: RunCache,
    /// The host that may execute new runs. The kernel does not own it, because the host owns the kernel.
    placement: OnceLock<Weak<dyn Placement>>,
    /// Where work continues when its caller has stopped waiting.
    background: Mutex<Option<Background>>,
    schedulers: Schedulers,
    meters: Arc<Meters>,
    definition_stages: DefinitionStagesCache,
}

impl Kernel {
    /// Creates a kernel on these ports.
    #[must_use]
    pub fn new(config: KernelConfig) -> Arc<Self> {
        let subscribers = Subscribers::new(config.sink.as_ref(), &config.plugins);
        let start_plans = Arc::new(start_plan::start_plans(&config.registry));
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            config,
            subscribers,
            start_plans,
            running: RunningJobs::default(),
            run_cache: RunCache::default(),
            placement: OnceLock::new(),
            background: Mutex::default(),
            schedulers: Schedulers::default(),
            meters: Arc::default(),
            definition_stages: DefinitionStagesCache::default(),
        })
    }

    /// Executes a command.
    ///
    /// # Errors
    /// The errors that the command documents, and those of the store.
    pub async fn dispatch<C: Command>(&self, command: C) -> Result<C::Output, Error> {
        let call = |kernel: &Self| {
            let kernel = kernel.shared();
            async move { command.execute(&kernel).await }
        };
        self.notify_schedulers_after(call).await
    }

    /// As [`Kernel::dispatch`], on behalf of an actor: the commit keeps the action, and the log has a line of the target
    /// `workflow_engine::audit`, also if the command is refused.
    ///
    /// # Errors
    /// As [`Kernel::dispatch`]; `INVALID_REQUEST` for an invalid name of the actor.
    pub async fn dispatch_by<C: Command>(&self, command: C, by: &Actor) -> Result<C::Output, Error> {
        let by = by.clone();
        let call = |kernel: &Self| {
            let kernel = kernel.shared();
            async move { kernel.execute_by(command, Some(&by)).await }
        };
        self.notify_schedulers_after(call).await
    }

    /// Executes a command of a host, which notifies its scheduler itself.
    pub(crate) async fn execute<C: Command>(&self, command: C) -> Result<C::Output, Error> {
        command.execute(self).await
    }

    /// Executes a command that is a JSON object: its name in `type`, and its fields. Durations are whole milliseconds,
    /// and the names of their fields end in `_ms`. Returns the command's output as JSON.
    ///
    /// # Errors
    /// `INVALID_REQUEST` when it is not such an object, names no command, or has a field that is missing, unknown or of
    /// another type; otherwise the errors that the command documents.
    pub async fn dispatch_json(&self, command: &str) -> Result<Json, Error> {
        self.dispatch_json_by(command, None).await
    }

    /// As [`Kernel::dispatch_json`], on behalf of an actor unless the field `by` of the command names one.
    pub(crate) async fn dispatch_json_by(&self, command: &str, by: Option<&Actor>) -> Result<Json, Error> {
        let (command, by) = (command.to_owned(), by.cloned());
        let call = |kernel: &Self| {
            let kernel = kernel.shared();
            async move { commands::dispatch_json(&kernel, &command, by.as_ref()).await }
        };
        self.notify_schedulers_after(call).await
    }

    /// Returns the store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.config.store
    }

    /// Returns the clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.config.clock
    }

    /// Returns the workflows that are registered in this process.
    #[must_use]
    pub const fn registry(&self) -> &WorkflowRegistry {
        &self.config.registry
    }

    /// Returns the names of the subscribers that receive events: `sink`, and the plugins.
    pub fn subscriber_names(&self) -> impl Iterator<Item = &str> {
        self.subscribers.all().iter().map(|subscriber| subscriber.name())
    }

    /// Registers the sink and the plugins in the store, so that the events of every process reach them. A host calls it
    /// once, before its first delivery; without it, nothing is delivered to a subscriber that is new to the store.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn register_subscribers(&self) -> Result<(), Error> {
        self.subscribers.register(&**self.store()).await
    }

    /// Returns the subscribers that are registered in the store, also those that this process does not have, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn registered_subscribers(&self) -> Result<Vec<SubscriberRecord>, Error> {
        self.store().subscribers().await
    }

    /// Returns how long a claim lasts unless it is renewed.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        self.config.lease
    }

    /// Returns the ledger for calls of models outside of a stage. Their cost belongs to no run and counts against no
    /// budget.
    #[must_use]
    pub fn ledger(&self) -> Arc<dyn CallLedger> {
        Arc::new(ledger::KernelLedger::new(self.store(), self.meters()))
    }

    /// Returns the dead letters of one plugin, or of all: by plugin, the oldest first; at most `limit`, and only those after
    /// a place.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn dead_letters(
        &self,
        plugin: Option<&str>,
        after: Option<&DeadLetterPlace>,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, Error> {
        self.store().dead_letters(plugin, after, limit).await
    }

    /// Executes `job.execute`. Cancelling `stop` returns the job to the queue.
    pub(crate) async fn execute_job(
        &self,
        command: ExecuteJob,
        stop: &CancellationToken,
    ) -> Result<ExecuteJobOutput, Error> {
        commands::execute_job(self, command, stop).await
    }

    /// Executes `stage.pollSuspended`. Cancelling `stop` returns unfinished checks to the queue.
    pub(crate) async fn poll_suspended(
        &self,
        command: PollSuspendedStages,
        stop: &CancellationToken,
    ) -> Result<PollSuspendedStagesOutput, Error> {
        commands::poll_suspended(self, command, stop).await
    }

    /// Returns why a run with due work makes no progress, as far as this process can tell.
    pub(crate) async fn blocked_reason(&self, run_id: RunId) -> Result<Option<Error>, Error> {
        blocked_reason::blocked_reason(self, run_id).await
    }

    /// Returns the text of a stored value.
    pub(crate) async fn resolve(&self, run_id: RunId, value: StoredValue) -> Result<Json, Error> {
        stored_values::resolve(&**self.store(), self.config.blobs.as_deref(), run_id, value).await
    }

    /// Returns the stored outputs of those of these stages that have completed, by key.
    pub(crate) async fn stored_outputs(
        &self,
        run_id: RunId,
        stage_keys: &[StageKey],
    ) -> Result<HashMap<StageKey, Json>, Error> {
        stored_values::stored_outputs(self, run_id, stage_keys).await
    }

    /// Returns the fingerprints of the definitions that this process can execute.
    pub(crate) fn definitions(&self) -> Vec<String> {
        self.config.registry.fingerprints()
    }

    /// Returns how to start runs of the registered definitions. Definitions that are declared compatible are not in it,
    /// because each of their runs must be checked first.
    pub(crate) const fn starts(&self) -> &Arc<StartPlans> {
        &self.start_plans
    }

    /// Returns the jobs whose bodies run in this process.
    pub(crate) const fn running(&self) -> &RunningJobs {
        &self.running
    }

    /// Returns what this process counts, apart from the numbers of the registered workflows.
    pub(crate) const fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// Registers the host that may execute new runs. Only the first one counts.
    pub(crate) fn set_placement(&self, placement: Weak<dyn Placement>) {
        let _ = self.placement.set(placement);
    }

    /// Returns the kernel as shared ownership.
    #[allow(
        clippy::expect_used,
        reason = "`new` returns shared ownership only, so a borrow implies an owner"
    )]
    pub(crate) fn shared(&self) -> Arc<Self> {
        self.me.upgrade().expect("a kernel that is borrowed has an owner")
    }

    /// Returns the host that may execute new runs, where there is one and it still lives.
    fn placement(&self) -> Option<Arc<dyn Placement>> {
        self.placement.get()?.upgrade()
    }

    const fn config(&self) -> &KernelConfig {
        &self.config
    }

    const fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }

    const fn run_cache(&self) -> &RunCache {
        &self.run_cache
    }
}
