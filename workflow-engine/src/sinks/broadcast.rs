//! Delivers events to the receivers of a channel in this process.

use async_trait::async_trait;
use tokio::sync::broadcast;

use crate::ports::{DeliveryError, EventSink};
use crate::records::Event;

/// Sends every event of every run to the receivers of a channel. An event counts as delivered once it is in the channel,
/// even without receivers. A receiver that is too slow gets an error with the number of events that it missed, and can
/// read those from the store.
///
/// ```
/// use tokio::sync::broadcast;
/// use workflow_engine::prelude::*;
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
/// let (sender, mut events) = broadcast::channel(1_000);
/// let engine = Engine::builder("memory:").register::<Doubling>().event_sink(sender).build().await?;
/// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
///
/// loop {
///     let event = events.recv().await.expect("the engine holds the sender");
///     assert_eq!(event.run_id, run.id());
///     if event.kind.ends_run() {
///         break;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[async_trait]
impl EventSink for broadcast::Sender<Event> {
    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError> {
        // An error means that there is no receiver at the moment.
        let _ = self.send(event.clone());
        Ok(())
    }
}
