//! The scheduler: calls a host again at the right instant.

use std::error::Error as StdError;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// The reason why a scheduler did not accept an instant: any error, or a text (`"no such queue".into()`).
pub type SchedulerError = Box<dyn StdError + Send + Sync>;

/// Calls a host that works only when it is called, at the instant at which work is due: the next check of a suspended
/// stage, a retry, the redelivery of an event, the end of a lease. Usually it sends a delayed message through a queue, or
/// sets a one-time schedule of the platform.
///
/// The [serverless host](crate::serverless) notifies the scheduler after every call. An engine without a worker, from
/// which the host was made, does so when it starts a run or executes a command that makes work ready. A worker needs no
/// scheduler: it keeps running, and waits by its clock until the instant that the store returns.
///
/// A call is a hint: a needless or early one does no harm, because the store knows what is due. An invocation that the
/// platform kills notifies nothing, so run a slow timer beside the scheduler, for example every ten minutes. It bounds
/// the delay in that case.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use chrono::{DateTime, Utc};
/// use workflow_engine::ports::{Scheduler, SchedulerError};
/// use workflow_engine::prelude::*;
/// use workflow_engine::serverless::{MaintenanceTick, ServerlessSettings};
///
/// struct DelayedMessages;
///
/// #[async_trait]
/// impl Scheduler for DelayedMessages {
///     async fn wake_at(&self, due: DateTime<Utc>) -> Result<(), SchedulerError> {
///         println!("send `tick`, to arrive at {due}");
///         Ok(())
///     }
/// }
///
/// # #[stage]
/// # async fn double(number: u32) -> StageResult<u32> { Ok(number * 2) }
/// # workflow! { Doubling = double }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<Doubling>().without_worker().build().await?;
/// let host = engine.serverless(ServerlessSettings::default().scheduler(Arc::new(DelayedMessages)))?;
/// engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
/// let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
/// assert!(ticked.failed.is_empty() && ticked.next_due.is_some());
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Scheduler: Send + Sync {
    /// Schedules a call of the host at this instant by the store's clock, or at once if the instant has passed.
    ///
    /// It adds to earlier instants: a later one does not replace an earlier one, because two invocations at the same time
    /// do not know of each other. A scheduler need only keep the earliest future instant, because the call at that
    /// instant schedules the next one. The engine passes the same instant many times.
    ///
    /// # Errors
    /// The engine logs an error, and a maintenance tick lists it. The work itself is not affected.
    async fn wake_at(&self, due: DateTime<Utc>) -> Result<(), SchedulerError>;
}
