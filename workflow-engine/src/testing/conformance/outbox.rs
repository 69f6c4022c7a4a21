//! Cases about the delivery of events to subscribers (G7).

use std::time::Duration;

use super::fixture::{Fixture, LEASE, claim};
use crate::ports::{Delivery, DeliveryClaim, DeliveryOutcome, DeliveryStart, Settlement, Subscription};
use crate::records::EventType;
use crate::value::RunId;

cases![
    events_are_offered_in_order_until_they_are_delivered,
    events_are_offered_only_to_subscribers_of_their_type,
    a_refused_event_delays_only_its_run,
    a_refused_event_is_counted_until_it_is_delivered,
    a_subscriber_does_not_delay_others,
    a_claim_of_deliveries_is_limited,
    the_longest_waiting_run_comes_first,
    one_flusher_delivers_a_run_at_a_time,
    a_flusher_that_dies_is_replaced_and_cannot_settle,
    unprocessed_events_are_offered_again_immediately,
    the_backlog_of_each_subscriber_is_counted,
    the_next_delivery_is_due_at_the_returned_instant,
    an_unclaimed_delivery_cannot_be_settled,
];

pub(super) const DELAY: Duration = Duration::from_secs(5);

/// Returns one of two subscriptions: `all` receives every event, `ends` only those of completed runs.
fn subscription(subscriber: &str) -> Subscription {
    let event_types: &[EventType] =
        if subscriber == "ends" { &[EventType::WorkflowCompleted] } else { EventType::ALL };
    let event_types = event_types.iter().map(|event_type| event_type.name()).collect();
    Subscription { subscriber: subscriber.into(), event_types }
}

/// Registers both subscribers.
pub(super) async fn subscribe(fixture: &Fixture) {
    for subscriber in ["all", "ends"] {
        fixture.store.register_subscriber(&subscription(subscriber), DeliveryStart::Now).await.unwrap();
    }
}

fn delivery_claim(subscriber: &str, flusher: &str) -> DeliveryClaim {
    DeliveryClaim {
        subscription: subscription(subscriber),
        claim: claim(flusher),
        deliveries: 100,
        window: 1_000,
    }
}

pub(super) async fn take(fixture: &Fixture, subscriber: &str) -> Vec<Delivery> {
    take_as(fixture, subscriber, "flusher").await
}

async fn take_as(fixture: &Fixture, subscriber: &str, flusher: &str) -> Vec<Delivery> {
    fixture.store.claim_deliveries(&delivery_claim(subscriber, flusher)).await.unwrap()
}

pub(super) async fn settle(fixture: &Fixture, delivery: &Delivery, outcome: DeliveryOutcome) {
    let settlement = Settlement { lease: delivery.lease.clone(), outcome };
    fixture.store.settle_deliveries(vec![settlement]).await.unwrap();
}

pub(super) fn delivered(last_sequence: u64) -> DeliveryOutcome {
    DeliveryOutcome::Delivered { last_sequence }
}

pub(super) fn refused(sequence: u64) -> DeliveryOutcome {
    DeliveryOutcome::Refused { sequence, error: "not \"now\"\u{0}".into(), delay: DELAY }
}

pub(super) fn dead_letter(sequence: u64, block_on_dead_letter: bool) -> DeliveryOutcome {
    DeliveryOutcome::GivenUp { sequence, error: "never \u{1a}".into(), block_on_dead_letter }
}

/// Returns run and sequence numbers of each delivery, ordered by run.
pub(super) fn contents(deliveries: &[Delivery]) -> Vec<(RunId, Vec<u64>)> {
    let content = |delivery: &Delivery| {
        (delivery.lease.run_id, delivery.events.iter().map(|event| event.sequence).collect())
    };
    let mut contents: Vec<_> = deliveries.iter().map(content).collect();
    contents.sort();
    contents
}

async fn events_are_offered_in_order_until_they_are_delivered(fixture: Fixture) {
    subscribe(&fixture).await;
    assert!(take(&fixture, "all").await.is_empty());
    let (run_id, job) = fixture.running().await;
    let first = take(&fixture, "all").await;
    assert_eq!(contents(&first), [(run_id, vec![1, 2, 3])]);
    assert_eq!((first[0].last_sequence, first[0].attempts), (3, 0));
    fixture.complete_run(&job).await;
    settle(&fixture, &first[0], delivered(2)).await;
    let second = take(&fixture, "all").await;
    assert_eq!(second[0].events, fixture.events(run_id).await[2..], "an event is delivered unchanged");
    settle(&fixture, &second[0], delivered(5)).await;
    assert!(take(&fixture, "all").await.is_empty());
    assert!(fixture.store.next_delivery_due("all").await.unwrap().is_none());
    assert_eq!(fixture.event_names(run_id).await.len(), 5, "delivered events can still be read");
}

async fn events_are_offered_only_to_subscribers_of_their_type(fixture: Fixture) {
    subscribe(&fixture).await;
    let (run_id, job) = fixture.running().await;
    assert!(take(&fixture, "ends").await.is_empty());
    fixture.complete_run(&job).await;
    fixture.single().await;
    let deliveries = take(&fixture, "ends").await;
    assert_eq!(contents(&deliveries), [(run_id, vec![5])]);
    settle(&fixture, &deliveries[0], delivered(5)).await;
    assert!(take(&fixture, "ends").await.is_empty());
}

/// A run whose event is refused repeatedly does not starve other runs, and keeps its order (trap 15).
async fn a_refused_event_delays_only_its_run(fixture: Fixture) {
    subscribe(&fixture).await;
    let held = fixture.single().await;
    let other = fixture.single().await;
    let first = take(&fixture, "all").await;
    for delivery in &first {
        let outcome = if delivery.lease.run_id == held { refused(2) } else { delivered(2) };
        settle(&fixture, delivery, outcome).await;
    }
    fixture.claim_up_to("worker", 10).await;
    assert_eq!(contents(&take(&fixture, "all").await), [(other, vec![3])]);
    fixture.clock.advance(DELAY);
    let again = take(&fixture, "all").await;
    assert_eq!(contents(&again), [(held, vec![2, 3])]);
    settle(&fixture, &again[0], delivered(3)).await;
    assert!(take(&fixture, "all").await.is_empty());
}

async fn a_refused_event_is_counted_until_it_is_delivered(fixture: Fixture) {
    subscribe(&fixture).await;
    fixture.single().await;
    for attempts in 0..3 {
        let deliveries = take(&fixture, "all").await;
        assert_eq!(deliveries[0].attempts, attempts);
        settle(&fixture, &deliveries[0], refused(1)).await;
        fixture.clock.advance(DELAY);
    }
    // A different event is refused for the first time, so counting starts again.
    let deliveries = take(&fixture, "all").await;
    settle(&fixture, &deliveries[0], refused(2)).await;
    fixture.clock.advance(DELAY);
    assert_eq!(take(&fixture, "all").await[0].attempts, 1);
}

async fn a_subscriber_does_not_delay_others(fixture: Fixture) {
    subscribe(&fixture).await;
    let (run_id, job) = fixture.running().await;
    fixture.complete_run(&job).await;
    let slow = take(&fixture, "all").await;
    let ends = take(&fixture, "ends").await;
    assert_eq!(contents(&ends), [(run_id, vec![5])]);
    settle(&fixture, &ends[0], dead_letter(5, true)).await;
    settle(&fixture, &slow[0], refused(1)).await;
    fixture.clock.advance(DELAY);
    assert_eq!(contents(&take(&fixture, "all").await), [(run_id, vec![1, 2, 3, 4, 5])]);
}

async fn a_claim_of_deliveries_is_limited(fixture: Fixture) {
    subscribe(&fixture).await;
    let (run_id, _) = fixture.running().await;
    let other = fixture.single().await;
    let few = DeliveryClaim { deliveries: 1, window: 2, ..delivery_claim("all", "flusher") };
    let first = fixture.store.claim_deliveries(&few).await.unwrap();
    assert_eq!((contents(&first), first[0].last_sequence), (vec![(run_id, vec![1, 2])], 2));
    let second = fixture.store.claim_deliveries(&few).await.unwrap();
    assert_eq!(contents(&second), [(other, vec![1, 2])]);
    settle(&fixture, &first[0], delivered(2)).await;
    assert_eq!(contents(&fixture.store.claim_deliveries(&few).await.unwrap()), [(run_id, vec![3])]);
}

async fn the_longest_waiting_run_comes_first(fixture: Fixture) {
    subscribe(&fixture).await;
    let first = fixture.single().await;
    let one = DeliveryClaim { deliveries: 1, window: 1, ..delivery_claim("all", "flusher") };
    let delivery = fixture.store.claim_deliveries(&one).await.unwrap();
    let second = fixture.single().await;
    fixture.clock.advance(Duration::from_secs(1));
    // The new run is due now, and the rest of the first run is due a moment later.
    assert_eq!(fixture.store.claim_deliveries(&one).await.unwrap()[0].lease.run_id, second);
    let third = fixture.single().await;
    assert_eq!(fixture.store.claim_deliveries(&one).await.unwrap()[0].lease.run_id, third);
    fixture.clock.advance(Duration::from_secs(1));
    settle(&fixture, &delivery[0], delivered(1)).await;
    assert_eq!(fixture.store.claim_deliveries(&one).await.unwrap()[0].lease.run_id, first);
}

/// Without leases, two flushers would deliver every event twice (trap 15).
async fn one_flusher_delivers_a_run_at_a_time(fixture: Fixture) {
    subscribe(&fixture).await;
    let run_id = fixture.single().await;
    let first = take_as(&fixture, "all", "one").await;
    assert_eq!(contents(&first), [(run_id, vec![1, 2])]);
    assert!(take_as(&fixture, "all", "two").await.is_empty());
    assert!(take_as(&fixture, "all", "one").await.is_empty());
    // New events of the same run wait behind the claimed ones; those of other runs do not.
    fixture.claim_up_to("worker", 1).await;
    let other = fixture.single().await;
    assert_eq!(contents(&take_as(&fixture, "all", "two").await), [(other, vec![1, 2])]);
    settle(&fixture, &first[0], delivered(2)).await;
    assert_eq!(contents(&take_as(&fixture, "all", "two").await), [(run_id, vec![3])]);
}

async fn a_flusher_that_dies_is_replaced_and_cannot_settle(fixture: Fixture) {
    subscribe(&fixture).await;
    let run_id = fixture.single().await;
    let dead = take_as(&fixture, "all", "dead").await;
    fixture.clock.advance(LEASE);
    let living = take_as(&fixture, "all", "living").await;
    assert_eq!(contents(&living), [(run_id, vec![1, 2])], "unsettled events are delivered again");
    settle(&fixture, &dead[0], delivered(2)).await;
    settle(&fixture, &dead[0], dead_letter(1, true)).await;
    assert!(fixture.store.dead_letters(None, None, 10).await.unwrap().is_empty());
    settle(&fixture, &living[0], delivered(1)).await;
    let rest = take(&fixture, "all").await;
    assert_eq!(contents(&rest), [(run_id, vec![2])]);
    settle(&fixture, &rest[0], delivered(2)).await;
    // Later events have another row, even if its epoch is the same.
    fixture.claim_up_to("worker", 1).await;
    let later = take(&fixture, "all").await;
    settle(&fixture, &dead[0], dead_letter(1, true)).await;
    settle(&fixture, &later[0], delivered(3)).await;
    assert!(take(&fixture, "all").await.is_empty());
}

async fn unprocessed_events_are_offered_again_immediately(fixture: Fixture) {
    subscribe(&fixture).await;
    let run_id = fixture.single().await;
    let refusal = take(&fixture, "all").await;
    settle(&fixture, &refusal[0], refused(1)).await;
    fixture.clock.advance(DELAY);
    let untouched = take(&fixture, "all").await;
    settle(&fixture, &untouched[0], delivered(0)).await;
    let again = take(&fixture, "all").await;
    assert_eq!((contents(&again), again[0].attempts), (vec![(run_id, vec![1, 2])], 1));
}

async fn the_backlog_of_each_subscriber_is_counted(fixture: Fixture) {
    assert_eq!(backlogs(&fixture).await, []);
    subscribe(&fixture).await;
    let (first, second) = (fixture.single().await, fixture.single().await);
    let claimed = take(&fixture, "all").await;
    assert_eq!(contents(&claimed), [(first, vec![1, 2]), (second, vec![1, 2])]);
    assert_eq!(backlogs(&fixture).await, [("all".to_owned(), 4, 0), ("ends".to_owned(), 0, 0)]);
    for delivery in &claimed {
        let is_first = delivery.lease.run_id == first;
        settle(&fixture, delivery, if is_first { delivered(1) } else { dead_letter(1, true) }).await;
    }
    assert_eq!(backlogs(&fixture).await, [("all".to_owned(), 1, 1), ("ends".to_owned(), 0, 0)]);
}

async fn backlogs(fixture: &Fixture) -> Vec<(String, u64, u64)> {
    let backlogs = fixture.store.subscriber_backlogs().await.unwrap();
    backlogs.into_iter().map(|own| (own.name, own.undelivered_events, own.dead_letters)).collect()
}

async fn the_next_delivery_is_due_at_the_returned_instant(fixture: Fixture) {
    subscribe(&fixture).await;
    fixture.single().await;
    let now = crate::ports::Clock::now(&fixture.clock);
    let deliveries = take(&fixture, "all").await;
    assert_eq!(fixture.store.next_delivery_due("all").await.unwrap(), Some(now + LEASE));
    settle(&fixture, &deliveries[0], refused(1)).await;
    assert_eq!(fixture.store.next_delivery_due("all").await.unwrap(), Some(now + DELAY));
    assert!(fixture.store.next_delivery_due("ends").await.unwrap().is_none());
    fixture.clock.advance(DELAY - Duration::from_micros(1));
    assert!(take(&fixture, "all").await.is_empty());
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(take(&fixture, "all").await.len(), 1);
}

async fn an_unclaimed_delivery_cannot_be_settled(fixture: Fixture) {
    subscribe(&fixture).await;
    fixture.store.settle_deliveries(Vec::new()).await.unwrap();
    let run_id = fixture.single().await;
    let deliveries = take(&fixture, "all").await;
    let mut unclaimed = deliveries[0].clone();
    unclaimed.lease.run_id = RunId::generate();
    settle(&fixture, &unclaimed, delivered(2)).await;
    unclaimed.lease = crate::ports::DeliveryLease { epoch: 7, ..deliveries[0].lease.clone() };
    settle(&fixture, &unclaimed, delivered(2)).await;
    settle(&fixture, &deliveries[0], delivered(1)).await;
    assert_eq!(contents(&take(&fixture, "all").await), [(run_id, vec![2])]);
}
