//! An event sink that a test can inspect.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;

use crate::ports::{DeliveryError, EventSink};
use crate::records::Event;
use crate::value::RunId;

/// A sink that keeps every delivered event in the order of delivery, and refuses events on request. Clones share the
/// same events.
///
/// ```
/// use workflow_engine::prelude::*;
/// use workflow_engine::testing::CollectingEventSink;
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
/// let sink = CollectingEventSink::new();
/// let engine = Engine::builder("memory:").register::<Doubling>().event_sink(sink.clone()).build().await?;
/// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
/// run.output().await?;
/// engine.shutdown().await;
///
/// let names: Vec<&str> = sink.events_of(run.id()).iter().map(|event| event.kind.name()).collect();
/// assert_eq!(names[0], "workflow:created");
/// assert_eq!(names[4], "workflow:completed");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CollectingEventSink {
    state: Arc<Mutex<State>>,
    delivered: Arc<watch::Sender<usize>>,
}

type Refuse = Box<dyn FnMut(&Event) -> Option<String> + Send>;

#[derive(Default)]
struct State {
    events: Vec<Event>,
    refuse: Option<Refuse>,
    refusals: usize,
}

impl CollectingEventSink {
    /// Makes a sink that accepts every event.
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::default(), delivered: Arc::new(watch::Sender::new(0)) }
    }

    /// Refuses, from now on, every event for which `refuse` returns a text, with this text as the error.
    pub fn refuse(&self, refuse: impl FnMut(&Event) -> Option<String> + Send + 'static) {
        self.state().refuse = Some(Box::new(refuse));
    }

    /// Accepts, from now on, every event.
    pub fn accept(&self) {
        self.state().refuse = None;
    }

    /// Returns the events that were accepted so far.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.state().events.clone()
    }

    /// Returns the events of one run that were accepted so far.
    #[must_use]
    pub fn events_of(&self, run_id: RunId) -> Vec<Event> {
        self.state().events.iter().filter(|event| event.run_id == run_id).cloned().collect()
    }

    /// Returns the number of deliveries that were refused so far.
    #[must_use]
    pub fn refusals(&self) -> usize {
        self.state().refusals
    }

    /// Waits until at least `events` events were accepted.
    pub async fn wait_for(&self, events: usize) {
        let mut delivered = self.delivered.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = delivered.wait_for(|delivered| *delivered >= events).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventSink for CollectingEventSink {
    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError> {
        let accepted = {
            let mut state = self.state();
            if let Some(refusal) = state.refuse.as_mut().and_then(|refuse| refuse(event)) {
                state.refusals += 1;
                return Err(refusal.into());
            }
            state.events.push(event.clone());
            state.events.len()
        };
        self.delivered.send_replace(accepted);
        Ok(())
    }
}

impl Default for CollectingEventSink {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for CollectingEventSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CollectingEventSink")
            .field("events", &self.state().events.len())
            .finish_non_exhaustive()
    }
}
