//! The event sink: the exit for all events of a program.

use std::error::Error as StdError;

use async_trait::async_trait;

use crate::records::Event;

/// The reason why an event was refused: any error, or a text (`"the service is unreachable".into()`).
pub type DeliveryError = Box<dyn StdError + Send + Sync>;

/// Receives every event of every run at least once, in order within its run.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Delivers one event.
    ///
    /// # Errors
    /// After an error the event is delivered again later, and before any later event of its run. The retries never end.
    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError>;
}
