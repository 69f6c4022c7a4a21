//! Deliveries to the plugins of a test, and the check that each plugin has received its events.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::world::World;
use crate::error::Error;
use crate::ports::{BatchError, DeliveryError, DeliveryPolicy, Plugin};
use crate::records::{Event, EventType};

impl World {
    /// Returns whether events are to be delivered now.
    pub(super) async fn has_deliveries(&self) -> Result<bool, Error> {
        let is_due = |due: DateTime<Utc>| due <= self.time.now();
        Ok(self.may_have_events() || self.next_delivery().await?.is_some_and(is_due))
    }

    /// Returns the instant at which the next delivery to a plugin or the sink is due.
    pub(super) async fn next_delivery(&self) -> Result<Option<DateTime<Utc>>, Error> {
        let mut next = None;
        for name in self.kernel().subscriber_names() {
            let due = self.store().next_delivery_due(name).await?;
            next = next.into_iter().chain(due).min();
        }
        Ok(next)
    }

    /// Delivers the events that are due.
    pub(super) async fn deliver_due(&mut self) -> Result<(), Error> {
        while self.is_flushing || self.has_deliveries().await? {
            self.step(None).await?;
        }
        Ok(())
    }

    /// Delivers all events, or refuses them for the last time, and lets the time pass that this takes.
    pub(super) async fn deliver_all(&mut self) -> Result<(), Error> {
        while self.is_flushing || self.may_have_events() || self.next_delivery().await?.is_some() {
            self.step(None).await?;
        }
        Ok(())
    }
}

/// A plugin of the test, with a record of what it has accepted.
#[derive(Clone)]
pub(super) struct ObservedPlugin {
    plugin: Arc<dyn Plugin>,
    accepted: Arc<Mutex<Vec<Event>>>,
}

impl ObservedPlugin {
    pub(super) fn new(plugin: &Arc<dyn Plugin>) -> Self {
        Self { plugin: Arc::clone(plugin), accepted: Arc::default() }
    }

    /// Asserts that the plugin has accepted each of a run's events that concern it at least once, for the first time in
    /// their order. Behind an event that it has refused for the last time, it need not have received the others.
    pub(super) async fn assert_complete(
        &self,
        world: &World,
        events: &[Event],
        crash: &str,
    ) -> Result<(), Error> {
        let name = self.plugin.name();
        let types = self.plugin.event_types();
        let concerns = |event: &&Event| types.iter().any(|kind| kind.name() == event.kind.name());
        let expected: Vec<u64> = events.iter().filter(concerns).map(|event| event.sequence).collect();
        let mut first: Vec<u64> = Vec::new();
        for event in self.accepted().iter().filter(|event| events.contains(event)) {
            if !first.contains(&event.sequence) {
                first.push(event.sequence);
            }
        }
        let has_refused = !world.store().dead_letters(Some(name), None, 1).await?.is_empty();
        if has_refused {
            assert!(first.is_sorted(), "{crash}plugin `{name}` received events out of order: {first:?}");
        } else {
            assert_eq!(first, expected, "{crash}plugin `{name}` did not receive its events in their order");
        }
        Ok(())
    }

    fn accepted(&self) -> MutexGuard<'_, Vec<Event>> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Plugin for ObservedPlugin {
    fn name(&self) -> &str {
        self.plugin.name()
    }

    fn event_types(&self) -> &[EventType] {
        self.plugin.event_types()
    }

    fn policy(&self) -> DeliveryPolicy {
        self.plugin.policy()
    }

    async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
        self.plugin.handle(event).await?;
        self.accepted().push(event.clone());
        Ok(())
    }

    async fn handle_batch(&self, events: &[Event]) -> Result<(), BatchError> {
        let handled = self.plugin.handle_batch(events).await;
        let accepted = match &handled {
            Ok(()) => events.len(),
            Err(error) => error.handled.unwrap_or(0),
        };
        self.accepted().extend(events.iter().take(accepted).cloned());
        handled
    }
}
