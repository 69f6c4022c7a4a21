//! Annotations and artifacts, written by stages and by callers.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tests::events::names;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{AttachAnnotation, AttachAnnotationOutput, RerunFrom};
use workflow_engine::prelude::*;
use workflow_engine::{AnnotationFilter, AnnotationKey, RunId};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Outcome {
    Approved,
    Rejected,
}

const OUTCOME: AnnotationKey<Outcome> = AnnotationKey::new("review.outcome");
const CONFIDENCE: AnnotationKey<f64> = AnnotationKey::new("model.confidence");
const ORIGIN: AnnotationKey<String> = AnnotationKey::new("origin");

/// Fails in its first attempt, whose effects are dropped.
#[stage(retry(max_attempts = 2, initial = "1ms"))]
async fn classify(text: String, ctx: &StageContext) -> StageResult<usize> {
    ctx.annotate(CONFIDENCE.value(&(f64::from(ctx.attempt()) / 4.0)).actor("model-7").emit_event())?;
    ctx.put_artifact("first", &ctx.attempt())?;
    ctx.put_artifact("large", &text.repeat(20_000))?;
    ctx.record_metric("bytes", f64::from(ctx.attempt()))?;
    if ctx.attempt() == 1 {
        return Err(StageError::retryable("not yet"));
    }
    Ok(text.len())
}

#[stage(require(classify))]
async fn look(ctx: &StageContext<look>) -> StageResult<Vec<String>> {
    let before = ctx.storage().of::<classify>();
    let large: String = before.get("large").await?.unwrap_or_default();
    ctx.put_artifact("seen", &large.len())?;
    assert_eq!(before.get::<u32>("unknown").await?, None);
    before.list().await
}

workflow! { reading = classify >> look }

#[tokio::test]
async fn a_stage_that_reads_artifacts_is_called_like_any_function() {
    let ctx = StageContext::<look>::for_test()
        .with_output::<classify>(&2)
        .with_artifact::<classify>("large", &"abc")
        .with_artifact::<classify>("first", &1);
    assert_eq!(look(&ctx).await.unwrap(), ["first", "large"]);
    assert_eq!(ctx.effects().artifacts["seen"].as_ref().unwrap().as_str(), "3");
}

async fn run(world: &World) -> (Engine, RunHandle<reading>) {
    let engine = world.engine().register::<reading>().build().await.unwrap();
    let origin = ORIGIN.value(&"a test".into()).scope("all");
    let run = engine.start::<reading>(ClassifyInput { text: "ab".into() }).annotate(origin).await.unwrap();
    tests::events::wait_for(&run, |kind| {
        matches!(kind, workflow_engine::records::EventKind::StageRetrying { .. })
    })
    .await;
    world.clock.advance(std::time::Duration::from_secs(1));
    (engine, run)
}

async fn only_the_last_attempt_of_a_stage_leaves_its_effects(world: World) {
    let (engine, run) = run(&world).await;
    assert_eq!(run.output().await.unwrap(), ["first", "large"]);

    let found = run.annotations(&AnnotationFilter::new()).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0].get(ORIGIN).unwrap().as_deref(), Some("a test"));
    assert_eq!((found[0].stage_id.as_deref(), found[0].scope.as_deref()), (None, Some("all")));
    assert_eq!(found[1].get(CONFIDENCE).unwrap(), Some(0.5));
    assert_eq!((found[1].stage_id.as_deref(), found[1].attempt), (Some("classify"), Some(2)));
    assert_eq!(found[1].get(ORIGIN).unwrap(), None, "the annotation has another key");
    let names = names(&run).await;
    assert_eq!(names.iter().filter(|name| **name == "annotation:created").count(), 1);
    assert_eq!(names.iter().position(|name| *name == "annotation:created"), Some(5), "{names:?}");

    assert_eq!(run.artifact::<classify, u32>("first").await.unwrap(), Some(2));
    assert_eq!(run.artifact::<classify, String>("large").await.unwrap().unwrap().len(), 40_000);
    assert_eq!(run.artifact::<look, usize>("seen").await.unwrap(), Some(40_000));
    assert_eq!(run.artifact::<look, usize>("first").await.unwrap(), None);
    assert!(run.artifact::<look, u32>("seen").await.is_ok_and(|seen| seen == Some(40_000)));
    assert_eq!(run.artifact::<look, String>("seen").await.unwrap_err().code(), "STORED_VALUE_CORRUPT");
    assert_eq!(run.artifacts().await.unwrap().len(), 3);
    assert!((run.stages().await.unwrap()[0].metrics["bytes"] - 2.0).abs() < f64::EPSILON);
    engine.shutdown().await;
}

/// A rerun deletes the artifacts of its stages, but keeps annotations with their generation.
async fn a_rerun_deletes_artifacts_and_keeps_annotations(world: World) {
    let (engine, run) = run(&world).await;
    run.output().await.unwrap();
    engine.drain().await;
    let second = world.engine().register::<reading>().without_worker().build().await.unwrap();
    let rerun =
        RerunFrom { run_id: run.id(), from_stage_id: "look".into(), idempotency_key: None, dry_run: false };
    second.dispatch(rerun).await.unwrap();
    let kept = run.artifacts().await.unwrap();
    assert_eq!(kept.iter().map(|artifact| artifact.key.as_str()).collect::<Vec<_>>(), ["first", "large"]);
    run.annotate(OUTCOME.value(&Outcome::Approved)).await.unwrap();
    let found = run.annotations(&AnnotationFilter::new()).await.unwrap();
    assert_eq!(found.iter().map(|found| found.generation).collect::<Vec<_>>(), [1, 1, 2]);

    let third = world.engine().register::<reading>().build().await.unwrap();
    let run = third.run_handle::<reading>(run.id()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), ["first", "large"]);
    assert_eq!(run.artifacts().await.unwrap()[2].generation, 2);
    third.shutdown().await;
}

/// A stage may or may not have stored its artifacts when its sibling runs, so the sibling cannot read them.
#[stage]
async fn sibling(_number: u32, ctx: &StageContext) -> StageResult<()> {
    ctx.put_artifact("x", &1)
}

#[stage(retry(max_attempts = 1))]
async fn curious(_number: u32, ctx: &StageContext) -> StageResult<Option<u32>> {
    ctx.storage().of::<sibling>().get("x").await
}

workflow! { racing(u32) = [sibling, curious] }

async fn artifacts_of_a_sibling_cannot_be_read(world: World) {
    let engine = world.engine().register::<racing>().build().await.unwrap();
    let run = engine.start::<racing>(1).await.unwrap();
    assert!(run.output().await.is_err());
    let error = run.record().await.unwrap().error.unwrap();
    let whole = "stage `curious` failed after 1 attempt: stage `curious` reads artifacts of `sibling`, which does not run \
                 before it";
    assert_eq!(error.message, whole);
    engine.shutdown().await;
}

async fn annotations_are_attached_and_listed(world: World) {
    let engine = world.engine().register::<reading>().without_worker().build().await.unwrap();
    let start = || engine.start::<reading>(ClassifyInput { text: "ab".into() });
    let (run, other) = (start().await.unwrap(), start().await.unwrap());
    let review = OUTCOME.value(&Outcome::Rejected).and(CONFIDENCE, &0.75).actor("ada").payload(&["why"]);
    run.annotate(review).await.unwrap();
    run.annotate_stage::<look>(OUTCOME.value(&Outcome::Approved).actor("bob")).await.unwrap();
    other.annotate(OUTCOME.value(&Outcome::Approved).actor("bob")).await.unwrap();

    let found = run.annotations(&AnnotationFilter::new().prefix("review")).await.unwrap();
    let outcomes: Vec<_> = found.iter().map(|found| found.get(OUTCOME).unwrap().unwrap()).collect();
    assert_eq!(outcomes, [Outcome::Rejected, Outcome::Approved]);
    assert_eq!(found[0].payload.as_ref().unwrap().as_str(), r#"["why"]"#);
    assert_eq!(found[1].stage_id.as_deref(), Some("look"));
    let by_bob = engine.annotations(OUTCOME, &AnnotationFilter::new().actor("bob")).await.unwrap();
    assert_eq!(by_bob.iter().map(|found| found.run_id).collect::<Vec<_>>(), [run.id(), other.id()]);

    let refused = run.any().annotate_stage("unknown", OUTCOME.value(&Outcome::Approved)).await.unwrap_err();
    assert_eq!(refused.code(), "STAGE_NOT_FOUND");
    let refused = run.annotate(OUTCOME.value(&Outcome::Approved).actor("")).await.unwrap_err();
    assert_eq!((refused.code().as_str(), refused.is_invalid_input()), ("INVALID_ANNOTATION", true));
    let unknown = AttachAnnotation::new(RunId::generate(), OUTCOME.value(&Outcome::Approved));
    assert_eq!(engine.dispatch(unknown.clone()).await.unwrap_err().code(), "RUN_NOT_FOUND");
    let unknown = AttachAnnotation { stage_key: Some("look".into()), ..unknown };
    assert_eq!(engine.dispatch(unknown).await.unwrap_err().code(), "RUN_NOT_FOUND");
}

async fn an_annotation_with_a_key_is_stored_once(world: World) {
    let engine = world.engine().register::<reading>().without_worker().build().await.unwrap();
    let run = engine.start::<reading>(ClassifyInput { text: "ab".into() }).await.unwrap();
    let attach = |outcome: &Outcome| AttachAnnotation {
        idempotency_key: Some("review-7".into()),
        ..AttachAnnotation::new(run.id(), OUTCOME.value(outcome))
    };
    for _ in 0..3 {
        let attached = engine.dispatch(attach(&Outcome::Approved)).await.unwrap();
        assert_eq!(attached, AttachAnnotationOutput { attached: 1 });
    }
    let conflict = engine.dispatch(attach(&Outcome::Rejected)).await.unwrap_err();
    assert_eq!(conflict.code(), "IDEMPOTENCY_CONFLICT");
    assert_eq!(run.annotations(&AnnotationFilter::new()).await.unwrap().len(), 1);
}

async fn annotations_are_attached_by_json(world: World) {
    let engine = world.engine().register::<reading>().without_worker().build().await.unwrap();
    let send = async |command: Value| -> Result<Value, workflow_engine::Error> {
        Ok(engine.kernel().dispatch_json(&command.to_string()).await?.decode().unwrap())
    };
    let created = send(json!({
        "type": "run.create",
        "idempotency_key": null,
        "workflow_id": "reading",
        "input": {"text": "ab"},
        "annotations": [{"attributes": {"origin": "json"}, "emit_event": true}],
    }))
    .await
    .unwrap();
    let run_id = &created["run_id"];
    let attach = json!({
        "type": "annotation.attach",
        "run_id": run_id,
        "stage_id": "look",
        "attributes": {"review.outcome": "Approved", "review.score": 4.50},
        "actor": "ada",
        "idempotency_key": "a",
    });
    assert_eq!(send(attach).await.unwrap(), json!({"attached": 2}));
    let run = engine.run_handle::<reading>(run_id.as_str().unwrap().parse().unwrap()).await.unwrap();
    let found = run.annotations(&AnnotationFilter::new()).await.unwrap();
    let shown: Vec<String> = found.iter().map(|found| format!("{} = {}", found.key, found.value)).collect();
    assert_eq!(shown, ["origin = \"json\"", "review.outcome = \"Approved\"", "review.score = 4.5"]);

    let without = json!({"type": "annotation.attach", "run_id": run_id, "attributes": {}});
    let error = send(without).await.unwrap_err();
    assert_eq!(
        (error.code().as_str(), error.to_string().as_str()),
        ("INVALID_ANNOTATION", "the annotation cannot be stored: it needs 1 to 64 attributes, and has 0")
    );
}

on_every_store!(
    only_the_last_attempt_of_a_stage_leaves_its_effects,
    a_rerun_deletes_artifacts_and_keeps_annotations,
    artifacts_of_a_sibling_cannot_be_read,
    annotations_are_attached_and_listed,
    an_annotation_with_a_key_is_stored_once,
    annotations_are_attached_by_json,
);
