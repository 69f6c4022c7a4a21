//! Cases about artifacts and metrics, which belong to a stage and are deleted when the stage is rerun.

use std::collections::BTreeMap;

use super::fixture::{Fixture, complete, decision, enqueue, held, inline, json, release_run, stale};
use crate::ports::{Change, Clock, Commit, Precondition, RerunStage};
use crate::records::{ArtifactRecord, BlobKey, ClaimedJob, StoredValue};
use crate::value::{Place, RunId, StageKey};

cases![
    a_rerun_deletes_the_blobs_of_the_generations_before,
    an_artifact_is_stored_unchanged,
    an_artifact_may_be_a_blob,
    an_artifact_is_replaced,
    an_artifact_is_deleted,
    artifacts_are_ordered_by_stage_and_key,
    a_rerun_deletes_artifacts_and_metrics,
    metrics_are_stored_with_their_stage,
    metrics_with_other_names_are_kept,
    a_lost_lease_stores_nothing,
];

fn put(stage: impl Into<StageKey>, key: &str, value: StoredValue) -> Change {
    Change::PutArtifact { stage_key: stage.into(), key: key.into(), value }
}

fn delete(stage: &str, key: &str) -> Change {
    Change::DeleteArtifact { stage_key: stage.into(), key: key.into() }
}

fn measure(stage: &str, metrics: &[(&str, f64)]) -> Change {
    let metrics = metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    Change::RecordMetrics { stage_key: stage.into(), metrics }
}

async fn artifact(fixture: &Fixture, job: &ClaimedJob, key: &str) -> Option<ArtifactRecord> {
    fixture.store.artifact(job.lease.run_id, &job.lease.stage_key, key).await.unwrap()
}

async fn an_artifact_is_stored_unchanged(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let key = "größe\u{1a} '; DROP TABLE workflow_artifacts; --";
    let value = inline("a\0b");
    fixture.apply(held(&job, vec![put("a", key, value.clone())])).await;
    let (stage_id, at) = ("a".to_owned(), fixture.clock.now());
    let place = Place::default();
    let expected = ArtifactRecord { run_id, stage_id, place, key: key.into(), generation: 1, value, at };
    assert_eq!(artifact(&fixture, &job, key).await, Some(expected.clone()));
    assert_eq!(fixture.store.artifacts(run_id, None).await.unwrap(), [expected]);
    assert_eq!(artifact(&fixture, &job, "gr").await, None);
}

async fn an_artifact_may_be_a_blob(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let blob = BlobKey(format!("{run_id}/a/1/1/artifacts/0"));
    let changes = vec![
        Change::PutBlob { key: blob.clone(), value: json("large") },
        put("a", "page", StoredValue::Blob(blob.clone())),
    ];
    fixture.apply(held(&job, changes)).await;
    assert_eq!(artifact(&fixture, &job, "page").await.unwrap().value, StoredValue::Blob(blob.clone()));
    assert_eq!(fixture.store.blob(&blob).await.unwrap(), Some(json("large")));
}

async fn an_artifact_is_replaced(fixture: Fixture) {
    let (_, job) = fixture.running().await;
    let changes = vec![put("a", "x", inline(&1)), put("a", "x", inline(&2)), put("a", "y", inline(&1))];
    fixture.apply(held(&job, changes)).await;
    assert_eq!(artifact(&fixture, &job, "x").await.unwrap().value, inline(&2));
    let blob = StoredValue::Blob(BlobKey("other".into()));
    fixture.apply(held(&job, vec![put("a", "x", blob.clone())])).await;
    assert_eq!(artifact(&fixture, &job, "x").await.unwrap().value, blob);
    assert_eq!(artifact(&fixture, &job, "y").await.unwrap().value, inline(&1));
}

async fn an_artifact_is_deleted(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let changes = vec![put("a", "x", inline(&1)), put("a", "y", inline(&1)), put("a", "z", inline(&1))];
    fixture.apply(held(&job, changes)).await;
    let changes = vec![delete("a", "x"), delete("a", "y"), put("a", "y", inline(&2)), delete("a", "unknown")];
    fixture.apply(held(&job, changes)).await;
    fixture.apply(held(&job, vec![put("a", "z", inline(&2)), delete("a", "z")])).await;
    let left = fixture.store.artifacts(run_id, None).await.unwrap();
    assert_eq!(left.iter().map(|artifact| artifact.key.as_str()).collect::<Vec<_>>(), ["y"]);
    assert_eq!(left[0].value, inline(&2));
}

async fn artifacts_are_ordered_by_stage_and_key(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("b", 0), ("a", 0)], 2).await;
    for job in fixture.claim_up_to("worker", 2).await {
        let stage = job.lease.stage_key.clone();
        fixture.apply(held(&job, vec![put(&stage, "2", inline(&1)), put(&stage, "1", inline(&1))])).await;
    }
    let names = |artifacts: Vec<ArtifactRecord>| -> Vec<String> {
        artifacts.into_iter().map(|artifact| format!("{}/{}", artifact.stage_id, artifact.key)).collect()
    };
    assert_eq!(names(fixture.store.artifacts(run_id, None).await.unwrap()), ["a/1", "a/2", "b/1", "b/2"]);
    assert_eq!(names(fixture.store.artifacts(run_id, Some(&"b".into())).await.unwrap()), ["b/1", "b/2"]);
    assert!(fixture.store.artifacts(run_id, Some(&"c".into())).await.unwrap().is_empty());
    let other = fixture.single().await;
    assert!(fixture.store.artifacts(other, None).await.unwrap().is_empty());
}

/// Stages that are not rerun keep theirs.
async fn a_rerun_deletes_artifacts_and_metrics(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 1)], 1).await;
    let first = fixture.claim("worker").await;
    let changes = vec![
        put("a", "x", inline(&1)),
        measure("a", &[("rows", 1.0)]),
        complete("a"),
        super::fixture::release("b"),
    ];
    fixture.apply(held(&first, changes)).await;
    let second = fixture.claim("worker").await;
    let changes =
        vec![put("b", "x", inline(&1)), measure("b", &[("rows", 2.0)]), complete("b"), release_run()];
    fixture.apply(held(&second, changes)).await;

    let rerun =
        Change::Rerun { stages: vec![RerunStage { stage_key: "b".into(), waiting_on: 0 }], waiting_on: 1 };
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![rerun, enqueue("b")])).await;
    assert_eq!(artifact(&fixture, &second, "x").await, None);
    assert_eq!(artifact(&fixture, &first, "x").await.unwrap().generation, 1);
    assert_eq!(fixture.store.artifacts(run_id, None).await.unwrap().len(), 1);
    assert_eq!(fixture.stage(run_id, "a").await.metrics, BTreeMap::from([("rows".into(), 1.0)]));
    assert!(fixture.stage(run_id, "b").await.metrics.is_empty());

    let again = fixture.claim("worker").await;
    fixture.apply(held(&again, vec![put("b", "x", inline(&2))])).await;
    let kept = artifact(&fixture, &again, "x").await.unwrap();
    assert_eq!((kept.generation, kept.value), (2, inline(&2)));
}

async fn metrics_are_stored_with_their_stage(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let metrics = [("größe", -0.1), ("rows", 1e300), ("tiny", 5e-324), ("zero", 0.0)];
    fixture.apply(held(&job, vec![measure("a", &metrics), complete("a"), release_run()])).await;
    let expected: BTreeMap<String, f64> =
        metrics.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    assert_eq!(fixture.stage(run_id, "a").await.metrics, expected);
    assert_eq!(fixture.snapshot(run_id).await.stages[0].metrics, expected);
}

async fn metrics_with_other_names_are_kept(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    fixture.apply(held(&job, vec![measure("a", &[("x", 1.0), ("y", 1.0)])])).await;
    fixture.apply(held(&job, vec![measure("a", &[("y", 2.0)])])).await;
    fixture.complete_run(&job).await;
    let expected = BTreeMap::from([("x".to_owned(), 1.0), ("y".to_owned(), 2.0)]);
    assert_eq!(fixture.stage(run_id, "a").await.metrics, expected);
}

async fn a_lost_lease_stores_nothing(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let changes = vec![put("a", "x", inline(&1)), measure("a", &[("x", 1.0)])];
    let late = decision(run_id, Precondition::Lease(stale(&job)), changes);
    assert_eq!(fixture.commit(late).await, Commit::PreconditionFailed);
    assert_eq!(artifact(&fixture, &job, "x").await, None);
    assert!(fixture.stage(run_id, "a").await.metrics.is_empty());
}

/// A rerun of `a` keeps the blobs of other stages and other runs, and those that its own generation writes.
async fn a_rerun_deletes_the_blobs_of_the_generations_before(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let (other_run, other_job) = fixture.running().await;
    let key = |of: RunId, rest: &str| BlobKey(format!("{of}/{rest}"));
    let put = |of: RunId, rest: &str| Change::PutBlob { key: key(of, rest), value: json(rest) };
    let void = ["a/1/1", "a/1/2", "a/1/2/artifacts/0"];
    let kept = ["a/2/3", "a/2/3/artifacts/0", "ab/1/1", "b/1/1", "a-b/1/1"];
    let changes = void.iter().chain(&kept).map(|rest| put(run_id, rest))
        .chain([complete("a"), release_run()]).collect();
    fixture.apply(held(&job, changes)).await;
    fixture.apply(held(&other_job, vec![put(other_run, "a/1/1")])).await;
    let stages = vec![RerunStage { stage_key: "a".into(), waiting_on: 0 }];
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![Change::Rerun { stages, waiting_on: 1 }])).await;
    for rest in void {
        assert_eq!(fixture.store.blob(&key(run_id, rest)).await.unwrap(), None, "{rest}");
    }
    for rest in kept {
        assert_eq!(fixture.store.blob(&key(run_id, rest)).await.unwrap(), Some(json(rest)), "{rest}");
    }
    assert_eq!(fixture.store.blob(&key(other_run, "a/1/1")).await.unwrap(), Some(json("a/1/1")));
}
