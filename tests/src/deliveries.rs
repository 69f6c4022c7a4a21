//! Deliveries to a subscriber who hears everything, for tests of a store.

use workflow_engine::ports::{Delivery, DeliveryClaim, DeliveryOutcome, Outbox, Settlement, Subscription};
use workflow_engine::records::{Event, EventType};

use crate::decisions::claim;

/// A claim of everything.
pub fn ask() -> DeliveryClaim {
    let event_types = EventType::ALL.iter().map(|event_type| event_type.name()).collect();
    DeliveryClaim {
        subscriptions: vec![Subscription { subscriber: "all".into(), event_types }],
        subscriber: "all".into(),
        claim: claim(),
        deliveries: 100,
        window: 1_000,
    }
}

/// The events that wait; from then on they are claimed.
pub async fn waiting(store: &dyn Outbox) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let claimed = store.claim_deliveries(&ask()).await.expect("the store is there");
        if claimed.is_empty() {
            return events;
        }
        events.extend(claimed.into_iter().flat_map(|delivery| delivery.events));
    }
}

/// Settles one delivery.
pub async fn settle(store: &dyn Outbox, delivery: &Delivery, outcome: DeliveryOutcome) {
    let settlement = Settlement { lease: delivery.lease.clone(), outcome };
    store.settle_deliveries(vec![settlement]).await.expect("the store is there");
}
