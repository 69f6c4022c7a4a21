//! Cases about writing and filtering annotations.

use std::time::Duration;

use super::fixture::{Fixture, decision, held, json, new_run};
use crate::ports::{AnnotationFilter, Change, Clock, Commit, Precondition};
use crate::records::{Annotation, AnnotationRecord, EventKind};
use crate::value::{Place, RunId, StageKey};

cases![
    an_annotation_is_stored_as_one_record_per_attribute,
    an_annotation_can_be_created_with_its_run,
    an_annotation_is_accepted_in_any_state_of_its_run,
    an_annotation_of_an_unknown_run_is_not_applied,
    an_annotation_emits_an_event_on_request,
    an_annotation_changes_nothing_else_of_its_run,
    an_annotation_of_a_lost_lease_is_not_written,
    annotations_are_found_by_key_stage_actor_and_scope,
    a_prefix_matches_whole_segments,
    annotations_are_found_by_time,
    annotations_are_paged,
    annotations_of_a_key_are_found_across_runs,
];

fn noted(attributes: &[(&str, u32)]) -> Annotation {
    let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), json(value)));
    Annotation { attributes: attributes.collect(), ..Annotation::default() }
}

fn annotate(stage: Option<&str>, annotation: Annotation) -> Change {
    Change::Annotate { stage_key: stage.map(StageKey::from), annotation }
}

impl Fixture {
    async fn note(&self, run_id: RunId, annotation: Annotation) {
        self.apply(decision(run_id, Precondition::Present, vec![annotate(None, annotation)])).await;
    }

    async fn annotations(&self, run_id: RunId, filter: AnnotationFilter) -> Vec<AnnotationRecord> {
        self.store.annotations(run_id, &filter).await.unwrap()
    }

    async fn keys(&self, run_id: RunId, filter: AnnotationFilter) -> Vec<String> {
        self.annotations(run_id, filter).await.into_iter().map(|annotation| annotation.key).collect()
    }
}

async fn an_annotation_is_stored_as_one_record_per_attribute(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let annotation = Annotation {
        actor: Some("ada\u{1a}'".into()),
        scope: Some("legal".into()),
        payload: Some(json("\0; DROP TABLE workflow_annotations")),
        ..noted(&[("b.größe", 1), ("a", 2)])
    };
    fixture.apply(held(&job, vec![annotate(Some("a"), annotation.clone())])).await;
    let found = fixture.annotations(run_id, AnnotationFilter::new()).await;
    let ids: Vec<u64> = found.iter().map(|annotation| annotation.id).collect();
    assert!(ids[0] > 0 && ids[0] < ids[1], "{ids:?}");
    for (record, (key, value)) in found.iter().zip([("a", 2), ("b.größe", 1)]) {
        let expected = AnnotationRecord {
            id: record.id,
            run_id,
            stage_id: Some("a".into()),
            place: Place::default(),
            generation: 1,
            attempt: Some(1),
            key: key.into(),
            value: json(&value),
            actor: annotation.actor.clone(),
            scope: annotation.scope.clone(),
            payload: annotation.payload.clone(),
            at: fixture.clock.now(),
        };
        assert_eq!(*record, expected);
    }
    assert_eq!(found.len(), 2);
}

async fn an_annotation_can_be_created_with_its_run(fixture: Fixture) {
    let run_id = RunId::generate();
    let changes = vec![
        Change::CreateRun(new_run()),
        annotate(None, Annotation { emit_event: true, ..noted(&[("origin", 1)]) }),
    ];
    fixture.apply(decision(run_id, Precondition::Absent, changes)).await;
    assert_eq!(fixture.keys(run_id, AnnotationFilter::new()).await, ["origin"]);
    assert_eq!(fixture.event_names(run_id).await, ["workflow:created", "annotation:created"]);
}

/// Including an annotation of a stage that is not stored yet, and one of a terminal run.
async fn an_annotation_is_accepted_in_any_state_of_its_run(fixture: Fixture) {
    let pending = fixture.create().await;
    let early = annotate(Some("a"), noted(&[("early", 1)]));
    fixture.apply(decision(pending, Precondition::Present, vec![early])).await;
    let found = fixture.annotations(pending, AnnotationFilter::new().stage("a")).await;
    assert_eq!((found[0].generation, found[0].attempt), (1, None));

    fixture.start(pending, &[("a", 0)], 1).await;
    let job = fixture.claim("worker").await;
    fixture.note(pending, noted(&[("running", 1)])).await;
    fixture.complete_run(&job).await;
    fixture.note(pending, noted(&[("over", 1)])).await;
    assert_eq!(fixture.keys(pending, AnnotationFilter::new()).await, ["early", "running", "over"]);
}

async fn an_annotation_of_an_unknown_run_is_not_applied(fixture: Fixture) {
    let unknown = RunId::generate();
    let change = annotate(None, noted(&[("a", 1)]));
    assert_eq!(
        fixture.commit(decision(unknown, Precondition::Present, vec![change])).await,
        Commit::PreconditionFailed
    );
    assert!(fixture.keys(unknown, AnnotationFilter::new()).await.is_empty());
}

async fn an_annotation_emits_an_event_on_request(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.note(run_id, noted(&[("silent", 1)])).await;
    let emitted = Annotation { emit_event: true, actor: Some("ada".into()), ..noted(&[("b", 2), ("a", 1)]) };
    fixture.note(run_id, emitted).await;
    let names = ["workflow:created", "annotation:created", "annotation:created"];
    assert_eq!(fixture.event_names(run_id).await, names);
    let expected = EventKind::AnnotationCreated {
        stage_id: None,
        place: Place::default(),
        key: "a".into(),
        value: json(&1),
        actor: Some("ada".into()),
        scope: None,
    };
    assert_eq!(fixture.events(run_id).await[1].kind, expected);
}

async fn an_annotation_changes_nothing_else_of_its_run(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let before = fixture.snapshot(run_id).await;
    fixture.note(run_id, noted(&[("a", 1)])).await;
    assert_eq!(fixture.snapshot(run_id).await, before);
    fixture.complete_run(&job).await;
}

async fn an_annotation_of_a_lost_lease_is_not_written(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let precondition = Precondition::Lease(super::fixture::stale(&job));
    let change = annotate(Some("a"), noted(&[("a", 1)]));
    assert_eq!(
        fixture.commit(decision(run_id, precondition, vec![change])).await,
        Commit::PreconditionFailed
    );
    assert!(fixture.keys(run_id, AnnotationFilter::new()).await.is_empty());
}

async fn annotations_are_found_by_key_stage_actor_and_scope(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let by = |actor: &str, scope: &str, key: &str| Annotation {
        actor: Some(actor.into()),
        scope: Some(scope.into()),
        ..noted(&[(key, 1)])
    };
    fixture.note(run_id, by("ada", "legal", "one")).await;
    fixture.note(run_id, by("ada", "%", "two")).await;
    fixture.note(run_id, by("bob", "legal", "three")).await;
    let of_stage = annotate(Some("b"), noted(&[("four", 1)]));
    fixture.apply(decision(run_id, Precondition::Present, vec![of_stage])).await;
    let filter = AnnotationFilter::new;
    assert_eq!(fixture.keys(run_id, filter().key_named("two")).await, ["two"]);
    assert_eq!(fixture.keys(run_id, filter().actor("ada")).await, ["one", "two"]);
    assert_eq!(fixture.keys(run_id, filter().scope("legal")).await, ["one", "three"]);
    assert_eq!(fixture.keys(run_id, filter().scope("%")).await, ["two"]);
    assert_eq!(fixture.keys(run_id, filter().actor("ada").scope("legal")).await, ["one"]);
    assert_eq!(fixture.keys(run_id, filter().stage("b")).await, ["four"]);
    assert!(fixture.keys(run_id, filter().actor("ad")).await.is_empty());
    assert!(fixture.keys(run_id, filter().key_named("%")).await.is_empty());
}

/// `run-1` does not match `run-10` (trap 17), and pattern characters are literal.
async fn a_prefix_matches_whole_segments(fixture: Fixture) {
    let run_id = fixture.create().await;
    let keys = [
        "run-1",
        "run-1.a",
        "run-1.a.b",
        "run-1/x",
        "run-10",
        "run-10.a",
        "run_1.a",
        "run-1-",
        "ru",
        "x.run-1",
    ];
    for key in keys {
        fixture.note(run_id, noted(&[(key, 1)])).await;
    }
    for other in ["50%", "50%.a", "500.a"] {
        fixture.note(run_id, noted(&[(other, 1)])).await;
    }
    let below = |prefix: &str| AnnotationFilter::new().prefix(prefix);
    assert_eq!(fixture.keys(run_id, below("run-1")).await, ["run-1", "run-1.a", "run-1.a.b"]);
    assert_eq!(fixture.keys(run_id, below("run-1.a")).await, ["run-1.a", "run-1.a.b"]);
    assert_eq!(fixture.keys(run_id, below("50%")).await, ["50%", "50%.a"]);
    assert_eq!(fixture.keys(run_id, below("run_1")).await, ["run_1.a"]);
    for prefix in ["run-", "%", "_", "run-1.", "r%", ""] {
        assert!(fixture.keys(run_id, below(prefix)).await.is_empty(), "{prefix}");
    }
}

async fn annotations_are_found_by_time(fixture: Fixture) {
    let run_id = fixture.create().await;
    let mut instants = Vec::new();
    for key in ["a", "b", "c"] {
        fixture.clock.advance(Duration::from_millis(10));
        instants.push(fixture.clock.now());
        fixture.note(run_id, noted(&[(key, 1)])).await;
    }
    let filter = AnnotationFilter::new;
    assert_eq!(fixture.keys(run_id, filter().since(instants[1])).await, ["b", "c"]);
    assert_eq!(fixture.keys(run_id, filter().until(instants[1])).await, ["a"]);
    assert_eq!(fixture.keys(run_id, filter().since(instants[1]).until(instants[2])).await, ["b"]);
    let later = instants[1] + chrono::TimeDelta::nanoseconds(1);
    assert_eq!(fixture.keys(run_id, filter().since(later)).await, ["c"], "instants are not rounded down");
    assert_eq!(fixture.keys(run_id, filter().until(later)).await, ["a", "b"]);
}

async fn annotations_are_paged(fixture: Fixture) {
    let (run_id, other) = (fixture.create().await, fixture.create().await);
    for number in 0..25 {
        fixture.note(run_id, noted(&[("key", number)])).await;
        fixture.note(other, noted(&[("key", number)])).await;
    }
    let (mut values, mut after) = (Vec::new(), 0);
    loop {
        let page = fixture.annotations(run_id, AnnotationFilter::new().after(after).limit(10)).await;
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 10);
        after = last.id;
        values.extend(page.iter().map(|annotation| annotation.value.decode::<u32>().unwrap()));
    }
    assert_eq!(values, (0..25).collect::<Vec<_>>());
    assert!(fixture.annotations(run_id, AnnotationFilter::new().limit(0)).await.is_empty());
    assert!(fixture.annotations(run_id, AnnotationFilter::new().after(u64::MAX)).await.is_empty());
}

async fn annotations_of_a_key_are_found_across_runs(fixture: Fixture) {
    let (one, two) = (fixture.create().await, fixture.create().await);
    fixture.note(one, Annotation { actor: Some("ada".into()), ..noted(&[("key", 1), ("key.a", 1)]) }).await;
    fixture.note(two, noted(&[("key", 2)])).await;
    let filter = AnnotationFilter::new;
    let runs = async |filter: AnnotationFilter| -> Vec<RunId> {
        let found = fixture.store.annotations_of_key("key", &filter).await.unwrap();
        found.into_iter().map(|annotation| annotation.run_id).collect()
    };
    assert_eq!(runs(filter()).await, [one, two]);
    assert_eq!(runs(filter().limit(1)).await, [one]);
    assert_eq!(runs(filter().actor("ada")).await, [one]);
    assert!(fixture.store.annotations_of_key("ke", &filter()).await.unwrap().is_empty());
}
