//! The serverless host: each call is one complete unit of work and leaves nothing running.
//!
//! Where a process lives only as long as a request, no worker can wait for work. Instead an HTTP request, a queue
//! message or a timer invokes the host. Each invocation claims with the same fenced and renewed leases as a worker and
//! commits in the same way, so both kinds of host may work on one store at the same time.
//!
//! - [`Serverless::handle_job`] runs one stage of one run and returns the stages that are ready then. A queue consumer
//!   calls it for each message and sends one message for each stage that it returns.
//! - [`Serverless::process_available_jobs`] runs ready jobs, up to a limit.
//! - [`Serverless::run_maintenance_tick`] starts runs, checks suspended stages, reaps stale leases and delivers events.
//!   A timer calls it every minute, or at the instant that the last call returned.
//!
//! A [`Scheduler`] receives that instant after every call, so that the platform can make the next call. An engine
//! without a worker also notifies it when it starts a run or wakes a stage.
//!
//! Messages may be lost, late or duplicated: a message only names a stage to check, and the state is in the store. The
//! other two calls find the work of a lost message.

mod handle_job;
mod process_jobs;
mod maintenance;
mod scheduling;
mod invocation;

use std::any::Any;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

pub use handle_job::{HandleJobOutput, JobMessage};
pub use maintenance::{MaintenanceReport, MaintenanceTick, Step, StepFailure};
pub use process_jobs::{ProcessJobs, ProcessJobsOutput};

use super::heartbeat::Heartbeat;
use super::liveness::worker_name;
use super::recently_served::RecentlyServed;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::ports::Scheduler;
use crate::value::setting::{DAY, check_range, check_worker_id};

/// The settings of a serverless host.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerlessSettings {
    /// The name in leases, records and logs, at most 255 bytes. The default is unique.
    pub worker_id: String,
    /// How long an invocation may take. After this time the host stops running bodies at their next `.await` and returns
    /// their jobs to the queue without counting the attempt. Set it some seconds below the platform's own limit, to leave
    /// time for the last commit. 1 ms to 30 days. Default `None`: only the stages' own timeouts apply.
    pub time_limit: Option<Duration>,
    /// Receives, after each call, the instant at which the next call has something to do. Default `None`.
    pub scheduler: Option<Arc<dyn Scheduler>>,
}

impl Default for ServerlessSettings {
    fn default() -> Self {
        Self { worker_id: worker_name(), time_limit: None, scheduler: None }
    }
}

impl ServerlessSettings {
    /// Sets the name.
    #[must_use]
    pub fn worker_id(mut self, worker_id: impl Into<String>) -> Self {
        self.worker_id = worker_id.into();
        self
    }

    /// Sets how long an invocation may take.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Sets the scheduler that receives the instant at which the next call has something to do. The call waits for it.
    #[must_use]
    pub fn scheduler(mut self, scheduler: Arc<dyn Scheduler>) -> Self {
        self.scheduler = Some(scheduler);
        self
    }
}

impl ServerlessSettings {
    /// Checks that each setting is in its range.
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_worker_id(&self.worker_id)?;
        match &self.time_limit {
            Some(limit) => check_range("time_limit", limit, &(Duration::from_millis(1)..=DAY * 30)),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for ServerlessSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerlessSettings")
            .field("worker_id", &self.worker_id)
            .field("time_limit", &self.time_limit)
            .field("scheduler", &self.scheduler.is_some())
            .finish()
    }
}

/// A host that works only while it is called. Clones are the same host.
///
/// ```
/// use workflow_engine::prelude::*;
/// use workflow_engine::serverless::{MaintenanceTick, ProcessJobs, ServerlessSettings};
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
/// let engine = Engine::builder("memory:").register::<Doubling>().without_worker().build().await?;
/// let host = engine.serverless(ServerlessSettings::default())?;
///
/// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
/// let done = host.process_available_jobs(ProcessJobs::default()).await?;
/// assert_eq!((done.processed, done.succeeded, done.failed), (1, 1, 0));
/// assert_eq!(run.output().await?, 42);
///
/// let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
/// assert!(report.failed.is_empty() && report.next_due.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Serverless {
    kernel: Arc<Kernel>,
    settings: Arc<ServerlessSettings>,
    recently_served: Arc<RecentlyServed>,
    /// Shared by concurrent invocations and dropped with the last of them.
    heartbeat: Arc<Mutex<Weak<Heartbeat>>>,
    /// Held by a tick, so that ticks do not overlap.
    tick_lock: Arc<tokio::sync::Mutex<()>>,
    /// The engine, which ends with the last of its handles. This host is one of them.
    _engine: Arc<dyn Any + Send + Sync>,
}

impl Serverless {
    pub(crate) fn new(
        kernel: Arc<Kernel>,
        settings: ServerlessSettings,
        engine: Arc<dyn Any + Send + Sync>,
    ) -> Self {
        Self {
            kernel,
            settings: Arc::new(settings),
            recently_served: Arc::default(),
            heartbeat: Arc::default(),
            tick_lock: Arc::default(),
            _engine: engine,
        }
    }
}

impl std::fmt::Debug for Serverless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serverless").field("settings", &self.settings).finish_non_exhaustive()
    }
}
