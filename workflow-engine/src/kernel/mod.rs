//! The kernel: commands that decide, and ports that commit.
//!
//! It has no timers, no signals, no threads and no globals of its own: every effect goes through a port, so the same
//! kernel runs in a worker, in a function that handles one request, and in a model test. A command's path is always
//! the same: load, decide (a pure function), commit, hint.

mod registry;
mod compatible;
mod running;
mod memory;
mod values;
mod limits;
mod command;
mod structural;
mod idempotency;
mod start;
mod create;
mod claim_pending;
mod execute;
mod execute_once;
mod outcome;
mod attempt;
mod inputs;
mod check;
mod reports;
mod pause;
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
mod report;
mod reap_stale;
mod reap_stuck;
mod unclaimed;
mod subscribers;
mod flush;
mod replay_dlq;
mod purge;
mod json;
pub(crate) mod milliseconds;

use std::sync::Arc;
use std::time::Duration;

pub use annotate::{AnnotationAttach, AnnotationAttached};
pub use cancel::{RunCancel, RunCancelled};
pub(crate) use claim_pending::start_pending;
pub use claim_pending::{ClaimedRun, RunClaimPending, RunsClaimed};
pub use command::Command;
pub(crate) use create::{Place, create};
pub use create::{RunCreate, RunCreated};
pub use execute::{JobExecute, JobExecuted, JobOutcome};
pub(crate) use execute::{NoSlots, Slots};
pub use flush::{OutboxFlush, OutboxFlushed};
pub(crate) use limits::Unstorable;
pub use limits::{Limits, MAX_DEPTH};
pub use local_executor::LocalExecutor;
pub use poll_suspended::{StagePollSuspended, StagesPolled};
pub use purge::{RetentionPurge, RunsPurged};
pub use raise_budget::{BudgetRaised, RunRaiseBudget};
pub use reap_stale::{LeaseReapStale, LeasesReaped};
pub use reap_stuck::{RunReapStuck, StuckRunsReaped};
pub use registry::{Registered, WorkflowRegistry};
pub use replay_dlq::{DlqReplayed, PluginReplayDlq};
pub use report::{ReportedLog, ReportedProgress, StageReport, StageReported};
pub use rerun_from::{RunRerun, RunRerunFrom};
pub(crate) use running::RunningJobs;
pub(crate) use subscribers::check_plugins;
pub use transition::{RunTransition, RunTransitioned, TransitionAction};
pub use unclaimed::{RunFailUnclaimed, UnclaimedRunsFailed};
pub use wake::{StageWake, StageWoken};

use crate::error::Error;
use crate::ports::{ActivityExecutor, BlobStore, Clock, EventSink, Plugin, RunStarts, Store};
use memory::RunMemories;
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
    starts: Arc<RunStarts>,
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
    pub async fn dispatch<C: Command>(&self, command: C) -> Result<C::Answer, Error> {
        command.carry_out(self).await
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
    pub(crate) const fn starts(&self) -> &Arc<RunStarts> {
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
