//! The serverless host: each call is one complete unit of work, and nothing of it stays behind.
//!
//! Where a process lives only as long as a request, there is no worker that waits for work. Something else invokes:
//! an HTTP request, a queue's message, a timer. Each invocation claims under the same leases, fenced and renewed, and
//! commits the same way as a worker, so both kinds of host may work on one store at the same time.
//!
//! - [`Serverless::handle_job`] runs one stage of one run, and says which stages are ready now: what a queue's
//!   consumer does for one message, and the messages that it sends on.
//! - [`Serverless::process_available_jobs`] runs what is ready, up to a number.
//! - [`Serverless::run_maintenance_tick`] starts runs, checks stages that wait, takes leases back from those that are
//!   gone and delivers events: what a timer does every minute, or at the instant that the last answer named.
//!
//! A [`Scheduler`] hears that instant after every call, so that the platform can make the next one; and from the engine,
//! where that has no worker, when a run is started or a stage is woken.
//!
//! A message may be lost, late or doubled: it only says where to look. What is true is in the store, and what a lost
//! message was about is found by the next call of the other two.

mod invocation;
mod job;
mod available;
mod tick;
mod schedule;

use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

pub use available::{ProcessJobs, ProcessJobsOutput};
pub use job::{HandleJobOutput, JobMessage};
pub use tick::{MaintenanceReport, MaintenanceTick, Step, StepFailure};

use super::heartbeat::Heartbeat;
use super::liveness::worker_name;
use super::recently_served::RecentlyServed;
use crate::kernel::Kernel;
use crate::ports::Scheduler;

/// How a serverless host works.
#[derive(Clone)]
#[non_exhaustive]
pub struct ServerlessSettings {
    /// Its name in leases, records and logs. Default: one that no other host has.
    pub worker_id: String,
    /// How long an invocation may take. When it is over, bodies that still run are stopped at their next `.await`,
    /// and their jobs return to the queue without counting the attempt. Set it some seconds below the platform's own
    /// limit, for the last commit. Default: `None`, no limit but the stages' own.
    pub time_limit: Option<Duration>,
    /// Who is told, after each call, when the next one has something to do. Default: nobody.
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

    /// Sets who is told when the next call has something to do. It takes its time within the call.
    #[must_use]
    pub fn scheduler(mut self, scheduler: Arc<dyn Scheduler>) -> Self {
        self.scheduler = Some(scheduler);
        self
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

/// Works when it is called, and only then. Clones are the same host.
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
/// workflow! { doubling = double }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<doubling>().without_worker().build().await?;
/// let host = engine.serverless(ServerlessSettings::default());
///
/// let run = engine.start::<doubling>(DoubleInput { number: 21 }).await?;
/// let done = host.process_available_jobs(ProcessJobs::default()).await?;
/// assert_eq!((done.processed, done.succeeded, done.failed), (1, 1, 0));
/// assert_eq!(run.output().await?, 42);
///
/// let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
/// assert!(ticked.failed.is_empty() && ticked.next_due.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Serverless {
    kernel: Arc<Kernel>,
    settings: Arc<ServerlessSettings>,
    recently_served: Arc<RecentlyServed>,
    /// Shared by the invocations that run at the same time, and gone with the last of them.
    heartbeat: Arc<Mutex<Weak<Heartbeat>>>,
    /// Held by a tick: one at a time.
    ticking: Arc<tokio::sync::Mutex<()>>,
}

impl Serverless {
    pub(crate) fn new(kernel: Arc<Kernel>, settings: ServerlessSettings) -> Self {
        Self {
            kernel,
            settings: Arc::new(settings),
            recently_served: Arc::default(),
            heartbeat: Arc::default(),
            ticking: Arc::default(),
        }
    }
}

impl std::fmt::Debug for Serverless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serverless").field("settings", &self.settings).finish_non_exhaustive()
    }
}
