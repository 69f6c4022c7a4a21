//! Cases about deleting terminal runs.

use std::time::Duration;

use super::fixture::{Fixture, claim, decision, entry, held, json, new_run};
use crate::ports::{
    Change, Clock, Commit, DeadLetterFilter, DeliveryClaim, DeliveryOutcome, DeliveryStart, Precondition,
    Purge, Settlement, Subscription,
};
use crate::records::{BlobKey, EventType, LogLevel};
use crate::value::RunId;

cases![
    an_old_terminal_run_is_deleted_with_all_its_data,
    an_unfinished_run_is_kept,
    a_run_that_was_rerun_is_kept,
    a_run_with_undelivered_events_is_kept_unless_the_purge_includes_it,
    a_dead_letter_is_deleted_with_its_run,
    a_purge_is_limited_and_begins_with_the_oldest_end,
    a_key_of_a_purged_run_is_free,
    runs_with_external_blobs_are_remembered,
];

const DAY: Duration = Duration::from_secs(86_400);

fn purge(older_than: Duration) -> Purge {
    Purge { older_than, include_undelivered: false, external_blobs: false, limit: 100, only: None }
}

async fn purged(fixture: &Fixture, purge: Purge) -> Vec<RunId> {
    let mut runs = fixture.store.purge_runs(&purge).await.unwrap();
    runs.sort();
    runs
}

/// Completes a run with a log line and a blob.
async fn completed(fixture: &Fixture) -> RunId {
    let (run_id, job) = fixture.running().await;
    let log = Change::Log {
        stage_key: Some("a".into()),
        level: LogLevel::Info,
        message: "here".into(),
        fields: json(&()),
    };
    let blob = Change::PutBlob { key: blob(run_id), value: json("large") };
    fixture.apply(held(&job, vec![log, blob])).await;
    fixture.complete_run(&job).await;
    run_id
}

fn blob(run_id: RunId) -> BlobKey {
    BlobKey(format!("{run_id}/a/1/1"))
}

fn subscription() -> Subscription {
    let event_types = EventType::ALL.iter().map(|event_type| event_type.name()).collect();
    Subscription { subscriber: "all".into(), event_types }
}

async fn subscribe(fixture: &Fixture) {
    fixture.store.register_subscriber(&subscription(), DeliveryStart::Now).await.unwrap();
}

/// Claims all deliveries of the subscriber `all`, and settles them with the outcomes that `settle` returns for the last
/// sequence number of each.
async fn deliver(fixture: &Fixture, settle: impl Fn(u64) -> Option<DeliveryOutcome>) {
    let claim = DeliveryClaim {
        subscription: subscription(),
        claim: claim("flusher"),
        deliveries: 100,
        window: 1_000,
    };
    let deliveries = fixture.store.claim_deliveries(&claim).await.unwrap();
    let settlements = deliveries.into_iter().filter_map(|delivery| {
        Some(Settlement { outcome: settle(delivery.last_sequence)?, lease: delivery.lease })
    });
    fixture.store.settle_deliveries(settlements.collect()).await.unwrap();
}

async fn deliver_all(fixture: &Fixture) {
    deliver(fixture, |last_sequence| Some(DeliveryOutcome::Delivered { last_sequence })).await;
}

async fn an_old_terminal_run_is_deleted_with_all_its_data(fixture: Fixture) {
    subscribe(&fixture).await;
    assert!(fixture.store.oldest_end().await.unwrap().is_none());
    let run_id = completed(&fixture).await;
    let end = fixture.clock.now();
    deliver_all(&fixture).await;
    fixture.clock.advance(DAY - Duration::from_micros(1));
    assert!(purged(&fixture, purge(DAY)).await.is_empty());
    assert_eq!(fixture.store.oldest_end().await.unwrap(), Some(end));
    let other = completed(&fixture).await;
    deliver_all(&fixture).await;
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(purged(&fixture, purge(DAY)).await, [run_id]);

    assert!(fixture.store.run(run_id).await.unwrap().is_none());
    assert!(fixture.store.snapshot(run_id).await.unwrap().is_none());
    assert!(fixture.store.request(run_id).await.unwrap().is_none());
    assert!(fixture.store.stages(run_id).await.unwrap().is_empty());
    assert!(fixture.events(run_id).await.is_empty());
    assert!(fixture.store.logs(run_id, 0, 10).await.unwrap().is_empty());
    assert!(fixture.store.blob(&blob(run_id)).await.unwrap().is_none());
    assert_eq!(fixture.event_names(other).await.len(), 5, "other runs are complete");
    assert_eq!(fixture.store.logs(other, 0, 10).await.unwrap().len(), 1);
    assert!(fixture.store.blob(&blob(other)).await.unwrap().is_some());
    assert!(fixture.store.purged_runs(10).await.unwrap().is_empty(), "it has no external blobs");
    assert!(purged(&fixture, purge(Duration::MAX)).await.is_empty(), "the longest duration keeps every run");
}

async fn an_unfinished_run_is_kept(fixture: Fixture) {
    subscribe(&fixture).await;
    fixture.create().await;
    fixture.single().await;
    fixture.running().await;
    deliver_all(&fixture).await;
    fixture.clock.advance(DAY * 1_000);
    assert!(purged(&fixture, purge(DAY)).await.is_empty());
    assert!(fixture.store.oldest_end().await.unwrap().is_none());
}

async fn a_run_that_was_rerun_is_kept(fixture: Fixture) {
    subscribe(&fixture).await;
    let run_id = completed(&fixture).await;
    deliver_all(&fixture).await;
    fixture.clock.advance(DAY);
    let stage = crate::ports::RerunStage { stage_key: "a".into(), waiting_on: 0 };
    let rerun = Change::Rerun { stages: vec![stage], waiting_on: 1 };
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![rerun])).await;
    deliver_all(&fixture).await;
    assert!(purged(&fixture, purge(DAY)).await.is_empty());
    assert!(fixture.store.run(run_id).await.unwrap().is_some());
}

/// Events that were not delivered yet are not lost.
async fn a_run_with_undelivered_events_is_kept_unless_the_purge_includes_it(fixture: Fixture) {
    subscribe(&fixture).await;
    let delivered = completed(&fixture).await;
    deliver_all(&fixture).await;
    let claimed = completed(&fixture).await;
    deliver(&fixture, |_| None).await;
    let refused = completed(&fixture).await;
    let delay = DAY * 10;
    let refusal = |_| Some(DeliveryOutcome::Refused { sequence: 2, error: "no".into(), delay });
    deliver(&fixture, refusal).await;
    let new = completed(&fixture).await;
    fixture.clock.advance(DAY);
    assert_eq!(purged(&fixture, purge(DAY)).await, [delivered]);
    assert!(purged(&fixture, purge(DAY)).await.is_empty());
    let undelivered = Purge { include_undelivered: true, ..purge(DAY) };
    assert_eq!(purged(&fixture, undelivered).await, [claimed, refused, new]);
    assert!(fixture.store.next_delivery_due("all").await.unwrap().is_none());
}

async fn a_dead_letter_is_deleted_with_its_run(fixture: Fixture) {
    subscribe(&fixture).await;
    let run_id = completed(&fixture).await;
    let dead =
        |_| Some(DeliveryOutcome::GivenUp { sequence: 1, error: "no".into(), block_on_dead_letter: true });
    deliver(&fixture, dead).await;
    assert_eq!(fixture.store.dead_letters(None, None, 10).await.unwrap().len(), 1);
    fixture.clock.advance(DAY);
    assert_eq!(purged(&fixture, purge(DAY)).await, [run_id]);
    assert!(fixture.store.dead_letters(None, None, 10).await.unwrap().is_empty());
    assert_eq!(fixture.store.replay_dead_letters(&DeadLetterFilter::new(), 10).await.unwrap(), 0);
}

async fn a_purge_is_limited_and_begins_with_the_oldest_end(fixture: Fixture) {
    subscribe(&fixture).await;
    let (late, job) = fixture.running().await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(completed(&fixture).await);
        fixture.clock.advance(Duration::from_secs(1));
    }
    fixture.complete_run(&job).await;
    runs.push(late);
    deliver_all(&fixture).await;
    for run_id in runs {
        let one = Purge { limit: 1, ..purge(Duration::ZERO) };
        assert_eq!(purged(&fixture, one).await, [run_id]);
    }
}

async fn a_key_of_a_purged_run_is_free(fixture: Fixture) {
    subscribe(&fixture).await;
    let create = || {
        let run_id = RunId::generate();
        let idempotency = Some(entry("run.create", "order-7", 1));
        let created = decision(run_id, Precondition::Absent, vec![Change::CreateRun(new_run())]);
        (run_id, crate::ports::Decision { idempotency, ..created })
    };
    let (run_id, first) = create();
    fixture.apply(first).await;
    assert!(matches!(fixture.commit(create().1).await, Commit::Duplicate { .. }));
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![super::fixture::cancel_run()])).await;
    deliver_all(&fixture).await;
    assert_eq!(purged(&fixture, purge(Duration::ZERO)).await, [run_id]);
    fixture.apply(create().1).await;
}

async fn runs_with_external_blobs_are_remembered(fixture: Fixture) {
    subscribe(&fixture).await;
    let runs = [completed(&fixture).await, completed(&fixture).await];
    deliver_all(&fixture).await;
    let external = Purge { external_blobs: true, ..purge(Duration::ZERO) };
    assert_eq!(purged(&fixture, external).await, runs);
    assert_eq!(fixture.store.purged_runs(1).await.unwrap().len(), 1);
    let mut remembered = fixture.store.purged_runs(10).await.unwrap();
    remembered.sort();
    assert_eq!(remembered, runs);
    fixture.store.forget_purged(vec![runs[0]]).await.unwrap();
    assert_eq!(fixture.store.purged_runs(10).await.unwrap(), [runs[1]]);
    fixture.store.forget_purged(vec![runs[1], RunId::generate()]).await.unwrap();
    fixture.store.forget_purged(Vec::new()).await.unwrap();
    assert!(fixture.store.purged_runs(10).await.unwrap().is_empty());
}
