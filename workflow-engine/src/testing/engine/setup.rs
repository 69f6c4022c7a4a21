//! What a test configures before its engine is built, once for each simulated process.

use std::sync::Arc;

use async_trait::async_trait;

use super::faults::{Faults, FaultyExecutor};
use super::virtual_time::VirtualTime;
use crate::context::Extensions;
use crate::engine::{Engine, EngineBuilder};
use crate::error::Error;
use crate::ports::{BatchError, DeliveryError, DeliveryPolicy, EventSink, Plugin, Store};
use crate::records::{Event, EventType};

type Step = Arc<dyn Fn(EngineBuilder) -> EngineBuilder + Send + Sync>;

/// The configuration of the engines of a test.
#[derive(Clone, Default)]
pub(super) struct Setup {
    steps: Vec<Step>,
    pub(super) plugins: Vec<Arc<dyn Plugin>>,
    pub(super) sink: Option<Arc<dyn EventSink>>,
    /// The values for the stages.
    pub(super) state: Extensions,
}

impl Setup {
    pub(super) fn push(&mut self, step: impl Fn(EngineBuilder) -> EngineBuilder + Send + Sync + 'static) {
        self.steps.push(Arc::new(step));
    }

    /// Builds an engine without a worker, whose work the test engine does step by step.
    pub(super) async fn build(
        &self,
        store: &Arc<dyn Store>,
        time: &VirtualTime,
        faults: &Faults,
    ) -> Result<Engine, Error> {
        let mut builder = EngineBuilder::with_store(Arc::clone(store), time.clock());
        let mut state = self.state.clone();
        state.insert_internal(faults.stubs().clone());
        builder = builder.share_state(state);
        builder = self.steps.iter().fold(builder, |builder, step| step(builder));
        for plugin in &self.plugins {
            builder = builder.plugin(SharedPlugin(Arc::clone(plugin)));
        }
        if let Some(sink) = &self.sink {
            builder = builder.event_sink(SharedSink(Arc::clone(sink)));
        }
        let engine = builder.executor(FaultyExecutor::new(faults.clone())).without_worker().build().await?;
        // The test engine executes the stages in place of a worker.
        engine.kernel().check_state()?;
        Ok(engine)
    }
}

/// The test's plugin, in each of the simulated processes.
struct SharedPlugin(Arc<dyn Plugin>);

#[async_trait]
impl Plugin for SharedPlugin {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn event_types(&self) -> &[EventType] {
        self.0.event_types()
    }

    fn policy(&self) -> DeliveryPolicy {
        self.0.policy()
    }

    async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
        self.0.handle(event).await
    }

    async fn handle_batch(&self, events: &[Event]) -> Result<(), BatchError> {
        self.0.handle_batch(events).await
    }
}

/// The test's sink, in each of the simulated processes.
struct SharedSink(Arc<dyn EventSink>);

#[async_trait]
impl EventSink for SharedSink {
    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError> {
        self.0.deliver(event).await
    }

    fn policy(&self) -> DeliveryPolicy {
        self.0.policy()
    }

    async fn deliver_batch(&self, events: &[Event]) -> Result<(), BatchError> {
        self.0.deliver_batch(events).await
    }
}
