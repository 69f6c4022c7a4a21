//! Plugins: subscribers to some types of events.

use async_trait::async_trait;

use super::delivery_policy::DeliveryPolicy;
use super::sink::DeliveryError;
use crate::records::{Event, EventType};

/// Receives events of some types, each at least once and in order within its run. Plugins are independent: an event that
/// one of them refuses is offered again to that one alone, and becomes its dead letter after too many refusals.
///
/// ```
/// use async_trait::async_trait;
/// use workflow_engine::ports::{DeliveryError, Plugin};
/// use workflow_engine::prelude::*;
/// use workflow_engine::records::{Event, EventType};
///
/// struct Bell;
///
/// #[async_trait]
/// impl Plugin for Bell {
///     fn name(&self) -> &str {
///         "bell"
///     }
///     fn event_types(&self) -> &[EventType] {
///         &[EventType::WorkflowCompleted, EventType::WorkflowFailed]
///     }
///     async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
///         println!("run {} has ended: {}", event.run_id, event.kind.name());
///         Ok(())
///     }
/// }
///
/// # #[stage]
/// # async fn double(number: u32) -> StageResult<u32> { Ok(number * 2) }
/// # workflow! { doubling = double }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<doubling>().plugin(Bell).build().await?;
/// # engine.start::<doubling>(DoubleInput { number: 2 }).await?.output().await?;
/// # engine.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait Plugin: Send + Sync {
    /// Returns the plugin's name: 1 to 100 bytes, the same in every process and after every restart. The store keeps the
    /// plugin's deliveries under it.
    fn name(&self) -> &str;

    /// Returns the types of events that the plugin receives. Default: all.
    fn event_types(&self) -> &[EventType] {
        EventType::ALL
    }

    /// Returns the policy for events that the plugin refuses. Default: three retries, then a dead letter that blocks the
    /// later events of its run.
    fn policy(&self) -> DeliveryPolicy {
        DeliveryPolicy::default()
    }

    /// Handles one event.
    ///
    /// # Errors
    /// An error or a panic refuses the event. It is offered again later, and before any later event of its run.
    async fn handle(&self, event: &Event) -> Result<(), DeliveryError>;
}
