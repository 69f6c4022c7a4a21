//! Where events are delivered.

use async_trait::async_trait;

use crate::error::Error;
use crate::records::Event;

/// Receives each event at least once, in order within its run.
#[async_trait]
pub trait EventSink: Send + Sync {
    /// Takes one event.
    ///
    /// # Errors
    /// An error means: again, later, and before any later event of that run.
    async fn deliver(&self, event: &Event) -> Result<(), Error>;
}
