//! The kernel: commands that decide, and ports that commit.
//!
//! It has no timers, no signals, no threads and no globals of its own: every effect goes through a port, so the same
//! kernel runs in a worker, in a function that handles one request, and in a model test. A command's path is always
//! the same: load, decide (a pure function), commit, hint.

mod registry;
mod compatible;
mod running;
mod run_cache;
mod values;
mod command;
mod commit_from_snapshot;
mod idempotency;
mod start;
mod create;
mod claim_pending;
mod execute;
mod idempotent_execute;
mod outcome;
mod attempt;
mod inputs;
mod check;
mod attempt_log;
mod sleep;
mod effects;
mod calls;
mod budget;
mod local_executor;
mod fail;
mod transition;
mod cancel;
mod wake;
mod raise_budget;
mod annotate;
mod rerun_from;
mod poll_suspended;
mod stage_report;
mod reap_stale;
mod reap_stuck;
mod unclaimed;
mod subscribers;
mod flush;
mod replay_dlq;
mod purge;
mod json;

use std::sync::Arc;
use std::time::Duration;

pub use crate::value::{Limits, MAX_DEPTH};
pub use annotate::{AttachAnnotation, AttachAnnotationOutput};
pub use cancel::{CancelRun, CancelRunOutput};
pub(crate) use claim_pending::start_pending;
pub use claim_pending::{ClaimPendingRuns, ClaimPendingRunsOutput, ClaimedRun};
pub use command::Command;
pub use create::{CreateRun, CreateRunOutput};
pub(crate) use create::{Placement, create};
pub use execute::{ExecuteJob, ExecuteJobOutput, JobOutcome};
pub(crate) use execute::{NoSlots, Slots};
pub use flush::{FlushOutbox, FlushOutboxOutput};
pub use local_executor::LocalExecutor;
pub use poll_suspended::{PollSuspendedStages, PollSuspendedStagesOutput};
pub use purge::{PurgeRuns, PurgeRunsOutput};
pub use raise_budget::{RaiseBudget, RaiseBudgetOutput};
pub use reap_stale::{ReapStaleLeases, ReapStaleLeasesOutput};
pub use reap_stuck::{ReapStuckRuns, ReapStuckRunsOutput};
pub use registry::{Registered, WorkflowRegistry};
pub use replay_dlq::{ReplayDeadLetters, ReplayDeadLettersOutput};
pub use rerun_from::{RerunFrom, RerunFromOutput};
pub(crate) use running::RunningJobs;
pub use stage_report::{ReportStage, ReportStageOutput, ReportedLog, ReportedProgress};
pub(crate) use subscribers::check_plugins;
pub use transition::{TransitionAction, TransitionRun, TransitionRunOutput};
pub use unclaimed::{FailUnclaimedRuns, FailUnclaimedRunsOutput};
pub use wake::{WakeStage, WakeStageOutput};

use crate::context::Extensions;
use crate::error::Error;
use crate::ports::{ActivityExecutor, BlobStore, Clock, EventSink, Plugin, StartPlans, Store};
use run_cache::RunMemories;
use subscribers::Subscribers;

/// The kernel's ports and settings.
pub struct KernelConfig {
    /// Everything that is kept.
    pub store: Arc<dyn Store>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The workflows that this process has.
    pub registry: WorkflowRegistry,
    /// Where bodies run.
    pub executor: Arc<dyn ActivityExecutor>,
    /// Where events go; `None` keeps them in the store alone.
    pub sink: Option<Arc<dyn EventSink>>,
    /// Who else hears of events. Their names differ.
    pub plugins: Vec<Arc<dyn Plugin>>,
    /// Where large payloads go; `None` for the store's own table.
    pub blobs: Option<Arc<dyn BlobStore>>,
    /// Outputs of more bytes than this go to the blob store. Default 16 KiB.
    pub inline_limit: usize,
    /// What the program hands to its stages.
    pub extensions: Extensions,
    /// What is too large to be stored.
    pub limits: Limits,
    /// How long a claim lasts unless it is renewed. Default 15 s.
    pub lease: Duration,
}

impl KernelConfig {
    /// 16 KiB.
    pub const INLINE_LIMIT: usize = 16 * 1024;
    /// 15 s.
    pub const LEASE: Duration = Duration::from_secs(15);
}

/// Dispatches commands.
pub struct Kernel {
    config: KernelConfig,
    subscribers: Subscribers,
    starts: Arc<StartPlans>,
    running: RunningJobs,
    memories: RunMemories,
}

impl Kernel {
    /// A kernel over these ports.
    #[must_use]
    pub fn new(config: KernelConfig) -> Self {
        let subscribers = Subscribers::new(config.sink.as_ref(), &config.plugins);
        let starts = Arc::new(start::starts(&config.registry));
        let (running, memories) = (RunningJobs::default(), RunMemories::default());
        Self { config, subscribers, starts, running, memories }
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// What the command's documentation says, or what the store says.
    pub async fn dispatch<C: Command>(&self, command: C) -> Result<C::Output, Error> {
        command.execute(self).await
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.config.store
    }

    /// Time.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.config.clock
    }

    /// The workflows that this process has.
    #[must_use]
    pub const fn registry(&self) -> &WorkflowRegistry {
        &self.config.registry
    }

    /// The names of those to whom events are delivered: `sink`, and the plugins.
    pub fn subscriber_names(&self) -> impl Iterator<Item = &str> {
        self.subscribers.all().iter().map(|subscriber| subscriber.name.as_str())
    }

    /// How long a claim lasts unless it is renewed.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        self.config.lease
    }

    /// The fingerprints of the definitions that this process can execute.
    pub(crate) fn definitions(&self) -> Vec<String> {
        self.config.registry.fingerprints()
    }

    /// How runs of these definitions are started; but not of those that are declared compatible, for their runs are looked
    /// at first.
    pub(crate) const fn starts(&self) -> &Arc<StartPlans> {
        &self.starts
    }

    /// The bodies that run in this process.
    pub(crate) const fn running(&self) -> &RunningJobs {
        &self.running
    }

    const fn subscribers(&self) -> &Subscribers {
        &self.subscribers
    }

    const fn ports(&self) -> &KernelConfig {
        &self.config
    }

    const fn memories(&self) -> &RunMemories {
        &self.memories
    }
}
