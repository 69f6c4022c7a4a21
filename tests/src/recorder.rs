//! A plugin that keeps what it hears, and refuses where a test says so.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use workflow_engine::RunId;
use workflow_engine::ports::{DeliveryError, DeliveryPolicy, Plugin};
use workflow_engine::records::{Event, EventType};

type Refuse = Box<dyn Fn(&Event, usize) -> Option<&'static str> + Send + Sync>;

/// Clones are the same plugin.
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
    /// Hears and takes everything.
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

    /// Hears these alone.
    #[must_use]
    pub fn on(mut self, on: &'static [EventType]) -> Self {
        self.on = on;
        self
    }

    /// Has another policy.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut DeliveryPolicy)) -> Self {
        change(&mut self.policy);
        self
    }

    /// Refuses what this answers a text for; it is told how often the event was offered before.
    pub fn refuse(&self, refuse: impl Fn(&Event, usize) -> Option<&'static str> + Send + Sync + 'static) {
        *self.refuse.lock().expect("no panic under it") = Some(Box::new(refuse));
    }

    /// Takes everything from now on.
    pub fn accept(&self) {
        *self.refuse.lock().expect("no panic under it") = None;
    }

    /// What it was offered, in order.
    pub fn offered(&self) -> Vec<(RunId, u64)> {
        self.offered.lock().expect("no panic under it").clone()
    }

    /// What it took, in order.
    pub fn taken(&self) -> Vec<(RunId, u64)> {
        self.taken.lock().expect("no panic under it").clone()
    }

    /// What it took of one run.
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
            let mut offered = self.offered.lock().expect("no panic under it");
            offered.push(key);
            offered.iter().filter(|other| **other == key).count() - 1
        };
        // Others have their turn in between, as they would have if this did something.
        tokio::task::yield_now().await;
        if let Some(refuse) = &*self.refuse.lock().expect("no panic under it")
            && let Some(text) = refuse(event, before)
        {
            return Err(text.into());
        }
        self.taken.lock().expect("no panic under it").push(key);
        Ok(())
    }
}
