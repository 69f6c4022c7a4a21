//! Having a host called again at the right instant.

use std::error::Error as StdError;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

/// Why a scheduler did not take an instant: any error, or a text (`"no such queue".into()`).
pub type SchedulerError = Box<dyn StdError + Send + Sync>;

/// Calls a host that works only when it is called, at the instant at which something is due: the next check of a
/// stage that waits, a retry, a refused event, the end of a lease. Usually a delayed message of a queue, or a
/// schedule of the platform's that fires once.
///
/// The [serverless host](crate::serverless) tells it after every call, and an engine without a worker, of which the host
/// was made, when it starts a run or carries out a command that makes something ready. A worker needs none: it lives, and waits by
/// its clock until the instant that the store names.
///
/// Being called is a hint like all others: too often or too early does no harm, and what is due is in the store. An
/// invocation that the platform kills tells nobody anything, so a slow timer beside the scheduler, every ten minutes
/// for example, is what bounds the delay then.
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
/// # workflow! { doubling = double }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<doubling>().without_worker().build().await?;
/// let host = engine.serverless(ServerlessSettings::default().scheduler(Arc::new(DelayedMessages)));
/// engine.start::<doubling>(DoubleInput { number: 21 }).await?;
/// let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
/// assert!(ticked.failed.is_empty() && ticked.next_due.is_some());
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Scheduler: Send + Sync {
    /// Has the host called at this instant, by the store's clock; at once if it has passed.
    ///
    /// It adds to what was said before: a later instant does not replace an earlier one, for two invocations at the
    /// same time do not know of one another. Only the earliest that is still to come need be kept, because the call
    /// that it leads to says what follows. The same instant is told many times.
    ///
    /// # Errors
    /// They are logged, and in a tick listed; the work is done all the same.
    async fn wake_at(&self, due: DateTime<Utc>) -> Result<(), SchedulerError>;
}
