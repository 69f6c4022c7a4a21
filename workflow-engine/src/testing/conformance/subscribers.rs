//! Cases about the registration of subscribers, and about leases on deliveries (G7).

use std::time::Duration;

use super::fixture::{Fixture, LEASE, claim};
use crate::ports::{
    Delivery, DeliveryClaim, DeliveryOutcome, DeliveryStart, Registration, Settlement, Subscription,
};
use crate::records::EventType;
use crate::value::RunId;

cases![
    a_subscriber_receives_the_events_that_follow_its_registration,
    a_subscriber_can_begin_with_the_oldest_event,
    a_subscriber_that_begins_with_the_oldest_event_receives_each_once,
    a_registration_is_repeated_without_effect,
    a_subscriber_receives_its_new_event_types_from_their_registration_on,
    a_flusher_that_lacks_an_event_type_delivers_nothing,
    a_removed_subscriber_leaves_no_rows_behind,
    a_store_whose_last_subscriber_is_removed_keeps_nothing_for_delivery,
    a_delivery_is_held_while_its_lease_is_renewed,
    a_lost_delivery_is_not_renewed,
    the_deliveries_of_dead_workers_are_due_immediately,
    refused_deliveries_can_be_tried_early,
];

fn subscription(subscriber: &str, event_types: &[EventType]) -> Subscription {
    let event_types = event_types.iter().map(|event_type| event_type.name()).collect();
    Subscription { subscriber: subscriber.into(), event_types }
}

fn all() -> Subscription {
    subscription("all", EventType::ALL)
}

async fn register(fixture: &Fixture, subscription: &Subscription, start: DeliveryStart) -> Registration {
    fixture.store.register_subscriber(subscription, start).await.unwrap()
}

async fn take_as(fixture: &Fixture, subscription: &Subscription, flusher: &str) -> Vec<Delivery> {
    let (subscription, claim) = (subscription.clone(), claim(flusher));
    let claim = DeliveryClaim { subscription, claim, deliveries: 100, window: 1_000 };
    fixture.store.claim_deliveries(&claim).await.unwrap()
}

async fn take(fixture: &Fixture, subscription: &Subscription) -> Vec<Delivery> {
    take_as(fixture, subscription, "flusher").await
}

async fn settle(fixture: &Fixture, delivery: &Delivery, outcome: DeliveryOutcome) {
    let settlement = Settlement { lease: delivery.lease.clone(), outcome };
    fixture.store.settle_deliveries(vec![settlement]).await.unwrap();
}

async fn deliver(fixture: &Fixture, deliveries: &[Delivery]) {
    for delivery in deliveries {
        let outcome = DeliveryOutcome::Delivered { last_sequence: delivery.last_sequence };
        settle(fixture, delivery, outcome).await;
    }
}

fn refused() -> DeliveryOutcome {
    DeliveryOutcome::Refused { sequence: 1, error: "no".into(), delay: Duration::from_secs(300) }
}

/// Returns run and sequence numbers of each delivery, ordered by run.
fn contents(deliveries: &[Delivery]) -> Vec<(RunId, Vec<u64>)> {
    let content = |delivery: &Delivery| {
        (delivery.lease.run_id, delivery.events.iter().map(|event| event.sequence).collect())
    };
    let mut contents: Vec<_> = deliveries.iter().map(content).collect();
    contents.sort();
    contents
}

async fn a_subscriber_receives_the_events_that_follow_its_registration(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    assert_eq!(register(&fixture, &all(), DeliveryStart::Now).await, Registration::Added);
    assert!(take(&fixture, &all()).await.is_empty());
    fixture.complete_run(&job).await;
    assert_eq!(contents(&take(&fixture, &all()).await), [(run_id, vec![4, 5])]);
}

async fn a_subscriber_can_begin_with_the_oldest_event(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let ends = subscription("ends", &[EventType::WorkflowCompleted]);
    for subscription in [&all(), &ends] {
        assert_eq!(register(&fixture, subscription, DeliveryStart::Oldest).await, Registration::Added);
    }
    let first = take(&fixture, &all()).await;
    assert_eq!(contents(&first), [(run_id, vec![1, 2, 3])]);
    assert!(take(&fixture, &ends).await.is_empty());
    deliver(&fixture, &first).await;
    fixture.complete_run(&job).await;
    assert_eq!(contents(&take(&fixture, &all()).await), [(run_id, vec![4, 5])]);
    assert_eq!(contents(&take(&fixture, &ends).await), [(run_id, vec![5])]);
}

/// Some of the events are passed on to others already, and some are not.
async fn a_subscriber_that_begins_with_the_oldest_event_receives_each_once(fixture: Fixture) {
    let first = subscription("first", EventType::ALL);
    register(&fixture, &first, DeliveryStart::Now).await;
    let (run_id, job) = fixture.running().await;
    deliver(&fixture, &take(&fixture, &first).await).await;
    fixture.complete_run(&job).await;
    register(&fixture, &all(), DeliveryStart::Oldest).await;
    let deliveries = take(&fixture, &all()).await;
    assert_eq!(contents(&deliveries), [(run_id, vec![1, 2, 3, 4, 5])]);
    deliver(&fixture, &deliveries).await;
    assert!(take(&fixture, &all()).await.is_empty());
    assert_eq!(contents(&take(&fixture, &first).await), [(run_id, vec![4, 5])]);
}

async fn a_registration_is_repeated_without_effect(fixture: Fixture) {
    fixture.single().await;
    let mut doubled = all();
    doubled.event_types.extend(all().event_types);
    doubled.event_types.reverse();
    assert_eq!(register(&fixture, &doubled, DeliveryStart::Now).await, Registration::Added);
    let registered = fixture.store.subscribers().await.unwrap();
    assert_eq!(registered.len(), 1);
    assert_eq!(registered[0].name, "all");
    let mut types = all().event_types;
    types.sort_unstable();
    assert_eq!(registered[0].event_types, types);

    fixture.clock.advance(LEASE);
    assert_eq!(register(&fixture, &all(), DeliveryStart::Oldest).await, Registration::Unchanged);
    assert_eq!(fixture.store.subscribers().await.unwrap(), registered);
    assert!(take(&fixture, &all()).await.is_empty(), "only a new subscriber has a start");
}

async fn a_subscriber_receives_its_new_event_types_from_their_registration_on(fixture: Fixture) {
    let old = subscription("plugin", &[EventType::WorkflowCompleted, EventType::StageStarted]);
    let new = subscription("plugin", &[EventType::WorkflowCompleted, EventType::WorkflowCreated]);
    register(&fixture, &old, DeliveryStart::Now).await;
    let (first, job) = fixture.running().await;
    deliver(&fixture, &take(&fixture, &old).await).await;
    assert_eq!(register(&fixture, &new, DeliveryStart::Now).await, Registration::Changed);
    let (second, _) = fixture.running().await;
    fixture.complete_run(&job).await;
    let deliveries = take(&fixture, &new).await;
    assert_eq!(contents(&deliveries), [(first, vec![5]), (second, vec![1])]);
}

/// Otherwise a process of the earlier version would skip the events of the new type.
async fn a_flusher_that_lacks_an_event_type_delivers_nothing(fixture: Fixture) {
    let old = subscription("plugin", &[EventType::WorkflowCreated]);
    let new = subscription("plugin", &[EventType::WorkflowCreated, EventType::StageStarted]);
    let claim = |subscription: &Subscription| DeliveryClaim {
        subscription: subscription.clone(),
        claim: claim("flusher"),
        deliveries: 100,
        window: 1_000,
    };
    register(&fixture, &old, DeliveryStart::Now).await;
    register(&fixture, &new, DeliveryStart::Now).await;
    assert!(fixture.store.claim_deliveries(&claim(&old)).await.unwrap().is_empty(), "nothing is due");
    let (run_id, _) = fixture.running().await;
    let error = fixture.store.claim_deliveries(&claim(&old)).await.unwrap_err();
    assert_eq!(error.code(), "SUBSCRIPTION_OUTDATED");
    assert!(error.to_string().contains("`stage:started`"), "{error}");
    assert_eq!(contents(&take(&fixture, &new).await), [(run_id, vec![1, 3])]);
    // A process that knows more types than are registered may deliver.
    register(&fixture, &old, DeliveryStart::Now).await;
    let (run_id, _) = fixture.running().await;
    assert_eq!(contents(&take(&fixture, &new).await), [(run_id, vec![1])]);
}

async fn a_removed_subscriber_leaves_no_rows_behind(fixture: Fixture) {
    let other = subscription("other", EventType::ALL);
    register(&fixture, &all(), DeliveryStart::Now).await;
    register(&fixture, &other, DeliveryStart::Now).await;
    for _ in 0..3 {
        fixture.single().await;
    }
    let deliveries = take(&fixture, &all()).await;
    let letter =
        DeliveryOutcome::GivenUp { sequence: 1, error: "never".into(), block_on_dead_letter: false };
    settle(&fixture, &deliveries[0], letter).await;
    assert_eq!(fixture.store.dead_letters(Some("all"), None, 10).await.unwrap().len(), 1);

    assert!(fixture.store.remove_subscriber("all").await.unwrap());
    assert!(!fixture.store.remove_subscriber("all").await.unwrap());
    assert!(fixture.store.dead_letters(Some("all"), None, 10).await.unwrap().is_empty());
    assert!(fixture.store.next_delivery_due("all").await.unwrap().is_none());
    deliver(&fixture, &deliveries).await;
    settle(&fixture, &deliveries[1], refused()).await;
    assert!(fixture.store.next_delivery_due("all").await.unwrap().is_none(), "a late settlement adds none");
    fixture.single().await;
    assert_eq!(take(&fixture, &other).await.len(), 4, "the other subscriber keeps its events");
    assert!(fixture.store.next_delivery_due("all").await.unwrap().is_none());

    let again = all();
    assert_eq!(register(&fixture, &again, DeliveryStart::Now).await, Registration::Added);
    assert!(take(&fixture, &again).await.is_empty());
}

async fn a_store_whose_last_subscriber_is_removed_keeps_nothing_for_delivery(fixture: Fixture) {
    register(&fixture, &all(), DeliveryStart::Now).await;
    fixture.single().await;
    fixture.store.remove_subscriber("all").await.unwrap();
    fixture.single().await;
    assert!(fixture.store.subscribers().await.unwrap().is_empty());
    register(&fixture, &all(), DeliveryStart::Now).await;
    assert!(take(&fixture, &all()).await.is_empty());
    let run_id = fixture.single().await;
    assert_eq!(contents(&take(&fixture, &all()).await), [(run_id, vec![1, 2])]);
}

async fn a_delivery_is_held_while_its_lease_is_renewed(fixture: Fixture) {
    register(&fixture, &all(), DeliveryStart::Now).await;
    let run_id = fixture.single().await;
    let deliveries = take_as(&fixture, &all(), "one").await;
    let leases = vec![deliveries[0].lease.clone()];
    for _ in 0..3 {
        fixture.clock.advance(LEASE / 2);
        assert!(fixture.store.renew_deliveries(leases.clone(), LEASE).await.unwrap().is_empty());
    }
    fixture.clock.advance(LEASE / 2);
    assert!(take_as(&fixture, &all(), "two").await.is_empty());
    deliver(&fixture, &deliveries).await;
    fixture.claim_up_to("worker", 1).await;
    assert_eq!(contents(&take_as(&fixture, &all(), "two").await), [(run_id, vec![3])]);
}

async fn a_lost_delivery_is_not_renewed(fixture: Fixture) {
    register(&fixture, &all(), DeliveryStart::Now).await;
    fixture.single().await;
    fixture.single().await;
    let late = take_as(&fixture, &all(), "late").await;
    let late: Vec<_> = late.into_iter().map(|delivery| delivery.lease).collect();
    fixture.clock.advance(LEASE);
    let living = take_as(&fixture, &all(), "living").await;
    assert_eq!(fixture.store.renew_deliveries(late.clone(), LEASE * 9).await.unwrap(), late);
    settle(&fixture, &living[0], refused()).await;
    let living: Vec<_> = living.into_iter().map(|delivery| delivery.lease).collect();
    assert_eq!(fixture.store.renew_deliveries(living.clone(), LEASE).await.unwrap(), living[..1]);
    fixture.clock.advance(LEASE);
    assert_eq!(take(&fixture, &all()).await.len(), 1);
}

async fn the_deliveries_of_dead_workers_are_due_immediately(fixture: Fixture) {
    register(&fixture, &all(), DeliveryStart::Now).await;
    let first = fixture.single().await;
    let dead = take_as(&fixture, &all(), "dead").await;
    fixture.single().await;
    let living = take_as(&fixture, &all(), "living").await;
    let mut holders = fixture.store.lease_holders().await.unwrap();
    holders.sort();
    assert_eq!(holders, ["dead", "living"]);

    let watch = fixture.store.hints().watch_changes();
    assert_eq!(fixture.store.release_deliveries(&["dead".into(), "other".into()]).await.unwrap(), 1);
    assert!(watch.has_changed().unwrap(), "a release notifies the flushers");
    assert_eq!(fixture.store.lease_holders().await.unwrap(), ["living"]);
    let again = take_as(&fixture, &all(), "new").await;
    assert_eq!(contents(&again), [(first, vec![1, 2])]);
    settle(&fixture, &dead[0], refused()).await;
    deliver(&fixture, &again).await;
    deliver(&fixture, &living).await;
    assert!(fixture.store.lease_holders().await.unwrap().is_empty());
    assert!(fixture.store.next_delivery_due("all").await.unwrap().is_none());
}

async fn refused_deliveries_can_be_tried_early(fixture: Fixture) {
    let other = subscription("other", EventType::ALL);
    register(&fixture, &all(), DeliveryStart::Now).await;
    register(&fixture, &other, DeliveryStart::Now).await;
    let runs = [fixture.single().await, fixture.single().await, fixture.single().await];
    for subscription in [&all(), &other] {
        for delivery in take(&fixture, subscription).await {
            if delivery.lease.run_id != runs[2] {
                settle(&fixture, &delivery, refused()).await;
            }
        }
    }
    assert_eq!(fixture.store.expedite_deliveries("all").await.unwrap(), 2);
    let early = take(&fixture, &all()).await;
    let mut early: Vec<_> = early.iter().map(|delivery| (delivery.lease.run_id, delivery.attempts)).collect();
    early.sort();
    assert_eq!(early, [(runs[0], 1), (runs[1], 1)], "a held delivery stays with its flusher");
    assert!(take(&fixture, &other).await.is_empty(), "another subscriber is not affected");
    assert_eq!(fixture.store.expedite_deliveries("all").await.unwrap(), 0);
}
