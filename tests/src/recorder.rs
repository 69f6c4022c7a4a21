//! A plugin that records the events it receives, and refuses events on request.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use workflow_engine::RunId;
use workflow_engine::ports::{DeliveryError, DeliveryPolicy, Plugin};
use workflow_engine::records::{Event, EventType};

type Refuse = Box<dyn Fn(&Event, usize) -> Option<&'static str> + Send + Sync>;

/// A recording plugin. Clones share the same record.
#[derive(Clone)]
pub struct Recorder {
    name: &'static str,
    on: &'static [EventType],
    policy: DeliveryPolicy,
    refuse: Arc<Mutex<Option<Refuse>>>,
    offered: Arc<Mutex<Vec<(RunId, u64)>>>,
    taken: Arc<Mutex<Vec<(RunId, u64)>>>,
}

impl Recorder {
    /// Makes a plugin that receives and accepts every event.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            on: EventType::ALL,
            policy: DeliveryPolicy::default(),
            refuse: Arc::default(),
            offered: Arc::default(),
            taken: Arc::default(),
        }
    }

    /// Restricts the plugin to these event types.
    #[must_use]
    pub fn on(mut self, on: &'static [EventType]) -> Self {
        self.on = on;
        self
    }

    /// Changes the delivery policy.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut DeliveryPolicy)) -> Self {
        change(&mut self.policy);
        self
    }

    /// Refuses every event for which `refuse` returns a text. `refuse` receives the event, and the number of times that
    /// it was offered before.
    pub fn refuse(&self, refuse: impl Fn(&Event, usize) -> Option<&'static str> + Send + Sync + 'static) {
        *self.refuse.lock().expect("the lock is not poisoned") = Some(Box::new(refuse));
    }

    /// Accepts, from now on, every event.
    pub fn accept(&self) {
        *self.refuse.lock().expect("the lock is not poisoned") = None;
    }

    /// Returns the offered events, in order, as run and sequence number.
    pub fn offered(&self) -> Vec<(RunId, u64)> {
        self.offered.lock().expect("the lock is not poisoned").clone()
    }

    /// Returns the accepted events, in order, as run and sequence number.
    pub fn taken(&self) -> Vec<(RunId, u64)> {
        self.taken.lock().expect("the lock is not poisoned").clone()
    }

    /// Returns the sequence numbers of the accepted events of one run.
    pub fn taken_of(&self, run_id: RunId) -> Vec<u64> {
        self.taken().into_iter().filter(|(of, _)| *of == run_id).map(|(_, sequence)| sequence).collect()
    }
}

#[async_trait]
impl Plugin for Recorder {
    fn name(&self) -> &str {
        self.name
    }

    fn event_types(&self) -> &[EventType] {
        self.on
    }

    fn policy(&self) -> DeliveryPolicy {
        self.policy.clone()
    }

    async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
        let key = (event.run_id, event.sequence);
        let before = {
            let mut offered = self.offered.lock().expect("the lock is not poisoned");
            offered.push(key);
            offered.iter().filter(|other| **other == key).count() - 1
        };
        // Yield to other tasks, as a plugin with real work would.
        tokio::task::yield_now().await;
        if let Some(refuse) = &*self.refuse.lock().expect("the lock is not poisoned")
            && let Some(text) = refuse(event, before)
        {
            return Err(text.into());
        }
        self.taken.lock().expect("the lock is not poisoned").push(key);
        Ok(())
    }
}
