//! Plugins: subscribers to some types of events.

use async_trait::async_trait;

use super::delivery_error::{BatchError, DeliveryError};
use super::delivery_policy::DeliveryPolicy;
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

    /// Returns the types of events that the plugin receives. Default: all. The store keeps them with the name, so that the
    /// events of every process reach the plugin; a process that starts with other types changes them for all.
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

    /// Handles 1 to `max_batch` events, which may belong to several runs; those of one run are in order. Called instead of
    /// [`handle`](Self::handle) where the policy sets a `max_batch` above 1. Default: handles them one by one.
    ///
    /// ```
    /// use async_trait::async_trait;
    /// use workflow_engine::ports::{BatchError, DeliveryError, DeliveryPolicy, Plugin};
    /// use workflow_engine::records::Event;
    ///
    /// struct Index;
    ///
    /// impl Index {
    ///     /// Adds all documents or none.
    ///     async fn add(&self, documents: &[String]) -> Result<(), std::io::Error> {
    ///         # let _ = documents;
    ///         Ok(())
    ///     }
    /// }
    ///
    /// #[async_trait]
    /// impl Plugin for Index {
    ///     fn name(&self) -> &str {
    ///         "index"
    ///     }
    ///     fn policy(&self) -> DeliveryPolicy {
    ///         let mut policy = DeliveryPolicy::default();
    ///         policy.max_batch = 500;
    ///         policy
    ///     }
    ///     async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
    ///         Ok(self.add(&[event.kind.name().to_owned()]).await?)
    ///     }
    ///     async fn handle_batch(&self, events: &[Event]) -> Result<(), BatchError> {
    ///         let documents: Vec<String> = events.iter().map(|event| event.kind.name().to_owned()).collect();
    ///         // An error refuses the whole batch. `BatchError::after` acknowledges a part of it.
    ///         Ok(self.add(&documents).await?)
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// A refusal of the whole batch, or of one event and those behind it.
    async fn handle_batch(&self, events: &[Event]) -> Result<(), BatchError> {
        for (handled, event) in events.iter().enumerate() {
            self.handle(event).await.map_err(|error| BatchError::after(handled, error))?;
        }
        Ok(())
    }
}
