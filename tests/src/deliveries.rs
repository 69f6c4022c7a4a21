//! Deliveries to a subscriber of every event type, for tests of a store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use workflow_engine::RunId;
use workflow_engine::ports::{
    Change, Decision, Delivery, DeliveryClaim, DeliveryOutcome, DeliveryStart, Outbox, Settlement, Store,
    Subscription,
};
use workflow_engine::records::{Event, EventType};

use crate::decisions::{claim, complete, running};

fn subscription() -> Subscription {
    let event_types = EventType::ALL.iter().map(|event_type| event_type.name()).collect();
    Subscription { subscriber: "all".into(), event_types }
}

/// Registers the subscriber `all`, which receives every event from now on.
pub async fn subscribe(store: &dyn Outbox) {
    let registered = store.register_subscriber(&subscription(), DeliveryStart::Now).await;
    registered.expect("the store is available");
}

/// Makes a claim of all deliveries.
pub fn ask() -> DeliveryClaim {
    DeliveryClaim { subscription: subscription(), claim: claim(), deliveries: 100, window: 1_000 }
}

/// Claims all pending deliveries, and returns their events.
pub async fn waiting(store: &dyn Outbox) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let claimed = store.claim_deliveries(&ask()).await.expect("the store is available");
        if claimed.is_empty() {
            return events;
        }
        events.extend(claimed.into_iter().flat_map(|delivery| delivery.events));
    }
}

/// Settles one delivery.
pub async fn settle(store: &dyn Outbox, delivery: &Delivery, outcome: DeliveryOutcome) {
    let settlement = Settlement { lease: delivery.lease.clone(), outcome };
    store.settle_deliveries(vec![settlement]).await.expect("the store is available");
}

/// Runs flushers and committers concurrently, each with its own store like several processes, and asserts that every
/// event is delivered once, in order within its run (G7, trap 15).
pub async fn race(stores: Vec<Arc<dyn Store>>) {
    const RUNS: usize = 24;
    const STEPS: u8 = 20;
    // Three events when the run starts, one for each step, and two at the end.
    const EVENTS: u64 = 3 + STEPS as u64 + 2;

    let delivered: Arc<Mutex<HashMap<RunId, u64>>> = Arc::default();
    let done = Arc::new(AtomicUsize::new(0));
    let flushers = stores.iter().cloned().map(|store| {
        let (delivered, done) = (Arc::clone(&delivered), Arc::clone(&done));
        tokio::spawn(async move {
            while done.load(Ordering::SeqCst) < RUNS {
                let claim = DeliveryClaim { deliveries: 4, window: 3, ..ask() };
                let claimed = store.claim_deliveries(&claim).await.expect("the store is available");
                for delivery in &claimed {
                    for event in &delivery.events {
                        let mut delivered = delivered.lock().expect("the lock is not poisoned");
                        let last = delivered.entry(event.run_id).or_default();
                        assert_eq!(event.sequence, *last + 1, "run {}", event.run_id);
                        *last = event.sequence;
                        done.fetch_add(usize::from(event.sequence == EVENTS), Ordering::SeqCst);
                    }
                    settle(
                        &*store,
                        delivery,
                        DeliveryOutcome::Delivered { last_sequence: delivery.last_sequence },
                    )
                    .await;
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let flushers: Vec<_> = flushers.collect();
    let runs = (0..RUNS).map(|number| {
        let stores = stores.clone();
        tokio::spawn(async move {
            let store = |step: usize| &stores[(number + step) % stores.len()];
            let job = running(&**store(0)).await;
            for step in 0..usize::from(STEPS) {
                let change = Change::Progress { stage_key: "a".into(), fraction: 0.5, message: "on".into() };
                let decision = Decision { changes: vec![change], ..complete(&job) };
                store(step).commit(decision).await.expect("the store is available");
            }
            store(number).commit(complete(&job)).await.expect("the store is available");
        })
    });
    for run in runs.collect::<Vec<_>>() {
        run.await.expect("no panic");
    }
    for flusher in flushers {
        flusher.await.expect("no panic");
    }
    let delivered = delivered.lock().expect("the lock is not poisoned");
    assert!(delivered.len() == RUNS && delivered.values().all(|last| *last == EVENTS), "{delivered:?}");
}
