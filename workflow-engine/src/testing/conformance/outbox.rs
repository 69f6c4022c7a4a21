//! Events on their way to a sink (G7).

use std::time::Duration;

use super::fixture::{Fixture, LEASE, claim};
use crate::id::RunId;
use crate::records::Event;

cases![
    events_are_offered_in_order_until_they_are_delivered,
    a_refused_event_holds_back_its_run_and_nobody_else,
    an_offer_is_limited,
    one_flusher_delivers_at_a_time,
    a_flusher_that_dies_is_replaced,
    a_flusher_keeps_its_lease_by_asking_again,
    what_was_never_offered_may_be_marked,
];

async fn offer(fixture: &Fixture, flusher: &str) -> Vec<(RunId, u64)> {
    names(fixture.store.undelivered(&claim(flusher), 1_000).await.unwrap())
}

fn names(events: Vec<Event>) -> Vec<(RunId, u64)> {
    events.into_iter().map(|event| (event.run_id, event.sequence)).collect()
}

async fn events_are_offered_in_order_until_they_are_delivered(fixture: Fixture) {
    assert!(offer(&fixture, "flusher").await.is_empty());
    let (run_id, job) = fixture.running().await;
    assert_eq!(offer(&fixture, "flusher").await, [(run_id, 1), (run_id, 2), (run_id, 3)]);
    fixture.store.mark_delivered(vec![(run_id, 1), (run_id, 2)]).await.unwrap();
    fixture.complete_run(&job).await;
    assert_eq!(offer(&fixture, "flusher").await, [(run_id, 3), (run_id, 4), (run_id, 5)]);
    let events = fixture.store.undelivered(&claim("flusher"), 1_000).await.unwrap();
    assert_eq!(events, fixture.events(run_id).await[2..], "an offered event is the event");
    fixture.store.mark_delivered(vec![(run_id, 3), (run_id, 4), (run_id, 5)]).await.unwrap();
    assert!(offer(&fixture, "flusher").await.is_empty());
    assert_eq!(fixture.event_names(run_id).await.len(), 5, "delivered events can still be read");
}

/// One run with an event that is refused again and again starves nobody, and its order is kept (trap 15).
async fn a_refused_event_holds_back_its_run_and_nobody_else(fixture: Fixture) {
    let refused = fixture.single().await;
    let other = fixture.single().await;
    let delay = Duration::from_secs(5);
    fixture.store.mark_delivered(vec![(refused, 1)]).await.unwrap();
    fixture.store.mark_refused(refused, 2, delay).await.unwrap();
    assert_eq!(offer(&fixture, "flusher").await, [(other, 1), (other, 2)]);
    fixture.claim_up_to("worker", 10).await;
    assert_eq!(offer(&fixture, "flusher").await, [(other, 1), (other, 2), (other, 3)]);
    fixture.clock.advance(delay);
    let mut all = offer(&fixture, "flusher").await;
    all.retain(|(run_id, _)| *run_id == refused);
    assert_eq!(all, [(refused, 2), (refused, 3)]);
    fixture.store.mark_delivered(vec![(refused, 2), (refused, 3)]).await.unwrap();
    assert_eq!(offer(&fixture, "flusher").await, [(other, 1), (other, 2), (other, 3)]);
}

async fn an_offer_is_limited(fixture: Fixture) {
    let run_id = fixture.single().await;
    let events = fixture.store.undelivered(&claim("flusher"), 1).await.unwrap();
    assert_eq!(names(events), [(run_id, 1)]);
}

/// Two flushers would deliver everything twice (trap 15).
async fn one_flusher_delivers_at_a_time(fixture: Fixture) {
    fixture.single().await;
    assert_eq!(offer(&fixture, "one").await.len(), 2);
    assert!(offer(&fixture, "two").await.is_empty());
    assert_eq!(offer(&fixture, "one").await.len(), 2);
}

async fn a_flusher_that_dies_is_replaced(fixture: Fixture) {
    fixture.single().await;
    assert_eq!(offer(&fixture, "dead").await.len(), 2);
    fixture.clock.advance(LEASE);
    assert_eq!(offer(&fixture, "living").await.len(), 2, "what was not marked is delivered again");
    assert!(offer(&fixture, "dead").await.is_empty());
}

async fn a_flusher_keeps_its_lease_by_asking_again(fixture: Fixture) {
    fixture.single().await;
    for _ in 0..5 {
        assert_eq!(offer(&fixture, "one").await.len(), 2);
        fixture.clock.advance(LEASE / 2);
        assert!(offer(&fixture, "two").await.is_empty());
    }
}

async fn what_was_never_offered_may_be_marked(fixture: Fixture) {
    let run_id = fixture.single().await;
    fixture.store.mark_delivered(Vec::new()).await.unwrap();
    fixture.store.mark_delivered(vec![(RunId::generate(), 1), (run_id, 99)]).await.unwrap();
    fixture.store.mark_refused(RunId::generate(), 1, LEASE).await.unwrap();
    assert_eq!(offer(&fixture, "flusher").await.len(), 2);
}
