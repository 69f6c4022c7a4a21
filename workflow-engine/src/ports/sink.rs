//! The event sink: the exit for all events of a program.

use async_trait::async_trait;

use super::delivery_error::{BatchError, DeliveryError};
use super::delivery_policy::DeliveryPolicy;
use crate::records::Event;

/// Receives every event of every run at least once, in order within its run. The store keeps the sink's deliveries under
/// the name `sink`.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Delivers one event.
    ///
    /// # Errors
    /// After an error the event is delivered again later, and before any later event of its run. By default the retries
    /// never end.
    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError>;

    /// Returns the policy of deliveries to the sink. Default: as a plugin's, but the retries never end.
    fn policy(&self) -> DeliveryPolicy {
        DeliveryPolicy::of_sink()
    }

    /// Delivers 1 to `max_batch` events, which may belong to several runs; those of one run are in order. Called instead
    /// of [`deliver`](Self::deliver) where the policy sets a `max_batch` above 1. Default: delivers them one by one.
    ///
    /// # Errors
    /// A refusal of the whole batch, or of one event and those behind it.
    async fn deliver_batch(&self, events: &[Event]) -> Result<(), BatchError> {
        for (handled, event) in events.iter().enumerate() {
            self.deliver(event).await.map_err(|error| BatchError::after(handled, error))?;
        }
        Ok(())
    }
}
