//! Cases about commits with several events: they are read, delivered and refused one by one (G7).

use std::time::Duration;

use super::fixture::{Fixture, LEASE, cancel_run, claim, decision, entry, held, new_run, start_changes};
use crate::ports::{
    Change, Commit, DeadLetterFilter, Decision, Delivery, DeliveryClaim, DeliveryOutcome, DeliveryStart,
    Precondition, Settlement, Subscription,
};
use crate::records::{Annotation, ClaimedJob, EventKind, EventType};
use crate::value::{Json, RunId};

cases![
    the_events_of_a_commit_are_read_in_parts,
    a_subscriber_of_one_type_receives_one_event_of_a_commit,
    a_delivery_begins_and_ends_inside_of_a_commit,
    a_new_subscriber_receives_the_old_events_of_its_type,
    one_event_of_a_commit_becomes_a_dead_letter,
    a_dead_letter_inside_of_a_commit_blocks_the_later_events,
    events_with_any_payload_are_delivered,
    an_event_has_the_command_that_caused_it,
    an_event_has_the_lease_that_caused_it,
    an_event_of_a_lost_lease_has_that_lease,
];

/// Creates a run in one commit with three events: `workflow:created`, `workflow:started` and `stage:started`.
async fn three(fixture: &Fixture) -> (RunId, ClaimedJob) {
    let run_id = RunId::generate();
    let mut changes = vec![Change::CreateRun(new_run())];
    changes.extend(start_changes(&[("a", 0)], 1));
    if let Some(Change::Enqueue { claim: by, .. }) = changes.last_mut() {
        *by = Some(claim("worker"));
    }
    let applied = fixture.apply(decision(run_id, Precondition::Absent, changes)).await;
    (run_id, applied.claimed[0].clone())
}

fn subscription(event_types: &[EventType]) -> Subscription {
    let event_types = event_types.iter().map(|event_type| event_type.name()).collect();
    Subscription { subscriber: "subscriber".into(), event_types }
}

async fn subscribe(fixture: &Fixture, event_types: &[EventType]) {
    fixture.store.register_subscriber(&subscription(event_types), DeliveryStart::Now).await.unwrap();
}

async fn take_up_to(fixture: &Fixture, event_types: &[EventType], window: usize) -> Vec<Delivery> {
    let subscription = subscription(event_types);
    let claim = DeliveryClaim { subscription, claim: claim("flusher"), deliveries: 100, window };
    fixture.store.claim_deliveries(&claim).await.unwrap()
}

async fn take(fixture: &Fixture) -> Vec<Delivery> {
    take_up_to(fixture, EventType::ALL, 1_000).await
}

async fn settle(fixture: &Fixture, delivery: &Delivery, outcome: DeliveryOutcome) {
    let settlement = Settlement { lease: delivery.lease.clone(), outcome };
    fixture.store.settle_deliveries(vec![settlement]).await.unwrap();
}

async fn deliver(fixture: &Fixture, delivery: &Delivery) {
    let last_sequence = delivery.last_sequence;
    settle(fixture, delivery, DeliveryOutcome::Delivered { last_sequence }).await;
}

fn sequences(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries.iter().flat_map(|delivery| &delivery.events).map(|event| event.sequence).collect()
}

async fn the_events_of_a_commit_are_read_in_parts(fixture: Fixture) {
    let (run_id, job) = three(&fixture).await;
    three(&fixture).await;
    fixture.complete_run(&job).await;
    let names =
        ["workflow:created", "workflow:started", "stage:started", "stage:completed", "workflow:completed"];
    assert_eq!(fixture.event_names(run_id).await, names);
    let all = fixture.events(run_id).await;
    for after in 0..=6 {
        for limit in 0..=6 {
            let page = fixture.store.events(run_id, after, limit).await.unwrap();
            let expected = all.iter().skip(usize::try_from(after).unwrap()).take(limit);
            assert_eq!(page, expected.cloned().collect::<Vec<_>>(), "after {after}, at most {limit}");
        }
    }
    assert!(fixture.store.events(run_id, u64::MAX, usize::MAX).await.unwrap().is_empty());
    assert!(fixture.store.events(RunId::generate(), 0, 10).await.unwrap().is_empty());
}

async fn a_subscriber_of_one_type_receives_one_event_of_a_commit(fixture: Fixture) {
    let types = [EventType::WorkflowStarted];
    subscribe(&fixture, &types).await;
    let (run_id, job) = three(&fixture).await;
    fixture.complete_run(&job).await;
    let deliveries = take_up_to(&fixture, &types, 1_000).await;
    assert_eq!(sequences(&deliveries), [2]);
    assert_eq!((deliveries[0].lease.next, deliveries[0].last_sequence), (2, 2));
    assert_eq!(deliveries[0].events, fixture.events(run_id).await[1..2], "it is delivered unchanged");
    deliver(&fixture, &deliveries[0]).await;
    assert!(take_up_to(&fixture, &types, 1_000).await.is_empty());
    assert!(fixture.store.next_delivery_due("subscriber").await.unwrap().is_none());
}

async fn a_delivery_begins_and_ends_inside_of_a_commit(fixture: Fixture) {
    subscribe(&fixture, EventType::ALL).await;
    let (run_id, job) = three(&fixture).await;
    fixture.complete_run(&job).await;
    let mut delivered = Vec::new();
    for expected in [&[1, 2][..], &[3, 4], &[5]] {
        let deliveries = take_up_to(&fixture, EventType::ALL, 2).await;
        assert_eq!(sequences(&deliveries), expected);
        delivered.extend(deliveries[0].events.clone());
        deliver(&fixture, &deliveries[0]).await;
    }
    assert_eq!(delivered, fixture.events(run_id).await);
    assert!(take(&fixture).await.is_empty());
}

async fn a_new_subscriber_receives_the_old_events_of_its_type(fixture: Fixture) {
    let (_, job) = three(&fixture).await;
    fixture.complete_run(&job).await;
    three(&fixture).await;
    let types = [EventType::StageStarted, EventType::StageCompleted];
    fixture.store.register_subscriber(&subscription(&types), DeliveryStart::Oldest).await.unwrap();
    let mut deliveries = take_up_to(&fixture, &types, 1_000).await;
    deliveries.sort_by_key(|delivery| delivery.lease.run_id);
    let windows = deliveries.iter().map(|delivery| (delivery.lease.next, delivery.last_sequence));
    assert_eq!(windows.collect::<Vec<_>>(), [(3, 4), (3, 3)]);
    assert_eq!(sequences(&deliveries), [3, 4, 3]);
}

async fn one_event_of_a_commit_becomes_a_dead_letter(fixture: Fixture) {
    subscribe(&fixture, EventType::ALL).await;
    let (run_id, _) = three(&fixture).await;
    let first = take(&fixture).await;
    assert_eq!(sequences(&first), [1, 2, 3]);
    let outcome =
        DeliveryOutcome::GivenUp { sequence: 2, error: "never".into(), block_on_dead_letter: false };
    settle(&fixture, &first[0], outcome).await;
    let letters = fixture.store.dead_letters(None, None, 10).await.unwrap();
    let event = fixture.events(run_id).await.swap_remove(1);
    assert_eq!(letters.iter().map(|letter| &letter.event).collect::<Vec<_>>(), [&event]);

    let rest = take(&fixture).await;
    assert_eq!(sequences(&rest), [3]);
    deliver(&fixture, &rest[0]).await;
    assert_eq!(
        fixture.store.replay_dead_letters(&DeadLetterFilter::new().plugin("subscriber"), 10).await.unwrap(),
        1
    );
    let again = take(&fixture).await;
    assert_eq!(again[0].events, [event], "the replay has no other event of the commit");
    deliver(&fixture, &again[0]).await;
    assert!(take(&fixture).await.is_empty());
    assert!(fixture.store.dead_letters(None, None, 10).await.unwrap().is_empty());
}

async fn a_dead_letter_inside_of_a_commit_blocks_the_later_events(fixture: Fixture) {
    subscribe(&fixture, EventType::ALL).await;
    let (_, job) = three(&fixture).await;
    let first = take(&fixture).await;
    let outcome = DeliveryOutcome::GivenUp { sequence: 3, error: "never".into(), block_on_dead_letter: true };
    settle(&fixture, &first[0], outcome).await;
    fixture.complete_run(&job).await;
    assert!(take(&fixture).await.is_empty());
    let letters = fixture.store.dead_letters(Some("subscriber"), None, 10).await.unwrap();
    assert_eq!(letters.iter().map(|letter| letter.event.sequence).collect::<Vec<_>>(), [3]);
    assert_eq!(fixture.store.replay_dead_letters(&DeadLetterFilter::new(), 10).await.unwrap(), 1);
    assert_eq!(sequences(&take(&fixture).await), [3, 4, 5]);
}

/// The JSON functions of a database refuse some of these payloads, which are beside others in their commit.
async fn events_with_any_payload_are_delivered(fixture: Fixture) {
    let types = [EventType::AnnotationCreated];
    subscribe(&fixture, &types).await;
    let (run_id, job) = three(&fixture).await;
    let values = [r#""\u0000""#, r#""\ud800""#, "1e131072", r#"{"a" : [1,	2], "a":"],["}"#];
    let annotate = values.iter().zip(["a", "b", "c", "d"]).map(|(value, key)| Change::Annotate {
        stage_key: None,
        annotation: Annotation {
            attributes: [(key.to_owned(), Json::trusted(*value))].into(),
            emit_event: true,
            ..Annotation::default()
        },
    });
    fixture.apply(held(&job, annotate.collect())).await;
    let deliveries = take_up_to(&fixture, &types, 1_000).await;
    assert_eq!(sequences(&deliveries), [4, 5, 6, 7]);
    assert_eq!(deliveries[0].events, fixture.events(run_id).await[3..]);
    let delivered = deliveries[0].events.iter().map(|event| match &event.kind {
        EventKind::AnnotationCreated { value, .. } => value.as_str(),
        other => panic!("{other:?}"),
    });
    assert_eq!(delivered.collect::<Vec<_>>(), values);
}

async fn causes(fixture: &Fixture, run_id: RunId) -> Vec<String> {
    fixture.events(run_id).await.into_iter().map(|event| event.causation_id).collect()
}

async fn an_event_has_the_command_that_caused_it(fixture: Fixture) {
    let run_id = RunId::generate();
    let idempotency = Some(entry("run.create", "order 7: \"ü\"", 1));
    let create = decision(run_id, Precondition::Absent, vec![Change::CreateRun(new_run())]);
    fixture.apply(Decision { command: "run.create", idempotency, ..create }).await;
    fixture.start(run_id, &[("a", 0)], 1).await;
    let revision = Precondition::Revision(fixture.revision(run_id).await);
    let changes = vec![Change::Cancel { stage_key: "a".into() }, cancel_run()];
    fixture.apply(Decision { command: "run.cancel", ..decision(run_id, revision, changes) }).await;
    let created = "run.create:order 7: \"ü\"";
    assert_eq!(causes(&fixture, run_id).await, [created, "test", "run.cancel", "run.cancel"]);
}

async fn an_event_has_the_lease_that_caused_it(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 1)], 1).await;
    let first = fixture.claim("worker").await;
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::ZERO };
    fixture.apply(held(&first, vec![retry])).await;
    let second = fixture.claim("worker").await;
    let back = Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() };
    fixture.apply(held(&second, vec![back])).await;
    let third = fixture.claim("worker").await;
    assert!(matches!(fixture.complete(&third, &["b"]).await, Commit::Applied(_)));
    // The attempt that was returned does not count, but its lease does.
    let expected = ["test", "test", "a/1/1/1", "a/1/1/1", "a/1/2/2", "a/1/2/2", "a/1/2/3", "a/1/2/3"];
    assert_eq!(causes(&fixture, run_id).await, expected);
    fixture.event_names(run_id).await;
}

async fn an_event_of_a_lost_lease_has_that_lease(fixture: Fixture) {
    let run_id = fixture.single().await;
    let job = fixture.claim("worker").await;
    fixture.clock.advance(LEASE);
    let lease = job.lease.clone();
    let change = Change::RecordCrash { stage_key: "a".into(), error: "lost".into() };
    fixture.apply(decision(run_id, Precondition::ExpiredLease(lease), vec![change])).await;
    fixture.claim("other").await;
    assert_eq!(causes(&fixture, run_id).await[2..], ["a/1/1/1", "a/1/1/1", "a/1/2/2"]);
}
