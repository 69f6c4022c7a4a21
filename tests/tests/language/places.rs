//! Several places of one stage in a run: written through the ports, because no workflow has a part that repeats yet, then
//! run by a worker, and named by callers.

use serde_json::json;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::ports::{Change, Commit, Decision, NewRun, NewStage, Precondition};
use workflow_engine::prelude::*;
use workflow_engine::records::RunRequest;
use workflow_engine::{AnnotationFilter, AnnotationKey, Json, LogFilter, LogLevel, Place, RunId, StageKey};

const PLACES: [&str; 3] = ["note[2]", "note[10]", "note[10][0]"];

/// Keeps what its context tells of its place, and returns its token.
#[stage]
async fn note(text: String, ctx: &StageContext) -> StageResult<String> {
    ctx.log(LogLevel::Info, text, ());
    ctx.put_artifact("place", ctx.place())?;
    ctx.annotate(AnnotationKey::<String>::new("noted").value(&ctx.place().to_string()))?;
    assert_eq!(ctx.stage_id(), "note");
    Ok(ctx.idempotency_token())
}

workflow! { Noting = note }

/// Starts a run with a job for each of the places.
async fn start(world: &World) -> RunId {
    let definition = Noting::definition();
    let encode = |value| Json::encode(&value).unwrap();
    let new = NewRun {
        workflow_id: definition.id.clone(),
        workflow_name: definition.name.clone(),
        definition_fingerprint: definition.fingerprint().to_owned(),
        priority: 5,
        parent: None,
        request: RunRequest {
            input: encode(json!({ "text": "hello" })),
            config: encode(json!({ "note": {} })),
            metadata: None,
        },
    };
    let stages = PLACES.map(|place| NewStage {
        stage_key: place.into(),
        stage_name: "Note".into(),
        stage_number: 1,
        execution_group: 1,
        waiting_on: 0,
    });
    let enqueue = |place: &str| Change::Enqueue {
        stage_key: place.into(),
        max_attempts: 3,
        max_crashes: 3,
        claim: None,
    };
    let mut changes =
        vec![Change::CreateRun(new), Change::StartRun { stages: stages.to_vec(), waiting_on: 3 }];
    changes.extend(PLACES.map(enqueue));
    let run_id = RunId::generate();
    let precondition = Precondition::Absent;
    let decision = Decision { run_id, precondition, command: "run.create", idempotency: None, changes };
    assert!(matches!(world.store.commit(decision).await.unwrap(), Commit::Applied(_)));
    run_id
}

async fn run_to_the_end(world: &World) -> (Engine, AnyRun) {
    let run_id = start(world).await;
    let engine = world.engine().register::<Noting>().build().await.unwrap();
    let run = engine.any_run(run_id).await.unwrap();
    let ended = run.wait().await.unwrap();
    assert_eq!(ended.status, Status::Completed, "{:?}", ended.error);
    (engine, run)
}

async fn a_worker_runs_each_place(world: World) {
    let (engine, run) = run_to_the_end(&world).await;
    let outputs = run.outputs().await.unwrap();
    assert_eq!(outputs.len(), 3);
    for place in PLACES {
        let token: String = outputs[place].decode().unwrap();
        assert_eq!(token, format!("{}/{place}/1", run.id()), "each place has its own token");
        assert_eq!(run.stage_output(place).await.unwrap().as_ref(), Some(&outputs[place]));
        let kept = run.artifact(place, "place").await.unwrap().expect("it was put");
        assert_eq!(kept.decode::<Place>().unwrap(), StageKey::from(place).place);
        assert_eq!(run.attempts(place).await.unwrap().len(), 1);
        let lines = run.log_history(&LogFilter::new().stage(place)).await.unwrap();
        assert_eq!(lines.items.len(), 1, "{place}");
    }
    let timeline = run.timeline().await.unwrap();
    let shown: Vec<String> =
        timeline.stages.iter().map(|stage| format!("{}{}", stage.stage_id, stage.place)).collect();
    assert_eq!(shown, PLACES);
    assert!(timeline.stages.iter().all(|stage| stage.attempts.len() == 1));
    let all = run.log_history(&LogFilter::new().stage("note")).await.unwrap();
    assert_eq!(all.items.len(), 3, "a stage without a place selects all of its places");
    let noted = AnnotationFilter::new().stage(PLACES[1]);
    let noted = run.annotations(&noted).await.unwrap().items;
    assert_eq!(noted.iter().map(|note| note.place.clone()).collect::<Vec<_>>(), [Place::from([10])]);
    engine.shutdown().await;
}

async fn a_place_that_does_not_exist_is_not_found(world: World) {
    let (engine, run) = run_to_the_end(&world).await;
    for missing in ["note[7]", "note[2][0]", "note[", "note[02]", "other[2]"] {
        let not_found = |error: workflow_engine::Error| {
            assert_eq!(error.code(), "STAGE_NOT_FOUND", "{missing}: {error}");
            assert!(error.to_string().contains(missing), "{error}");
        };
        not_found(run.wake(missing).await.unwrap_err());
        not_found(run.attempts(missing).await.unwrap_err());
        not_found(run.raise_stage_budget(missing, "1 USD".parse().unwrap()).await.unwrap_err());
        let about = AnnotationKey::<u32>::new("checked").value(&1);
        not_found(run.annotate_stage(missing, about).await.unwrap_err());
        for command in [
            json!({"type": "stage.wake", "run_id": run.id(), "stage_id": missing}),
            json!({"type": "job.execute", "run_id": run.id(), "stage_id": missing, "worker_id": "w"}),
        ] {
            not_found(engine.kernel().dispatch_json(&command.to_string()).await.unwrap_err());
        }
        assert_eq!(run.stage_output(missing).await.unwrap(), None);
        assert_eq!(run.artifact(missing, "place").await.unwrap(), None);
    }
    assert!(!run.wake(PLACES[0]).await.unwrap(), "it exists, and does not wait");
    let about = AnnotationKey::<u32>::new("checked").value(&1);
    run.annotate_stage(PLACES[0], about).await.unwrap();
    engine.shutdown().await;
}

on_every_store!(a_worker_runs_each_place, a_place_that_does_not_exist_is_not_found);
