//! Forks, and actions on behalf of people and programs.

use tests::log_lines::LogLines;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{ForkRun, WakeStage};
use workflow_engine::prelude::*;
use workflow_engine::records::ActionRecord;
use workflow_engine::{Actor, AnnotationFilter, AnnotationKey, ErrorCode, Json, RunFilter};

#[stage]
async fn fetch(number: u32, #[config(default = 1)] step: u32) -> StageResult<u32> {
    Ok(number + step)
}

#[stage]
async fn left(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

#[stage(retry(max_attempts = 1))]
async fn right(number: u32, #[config(default = 100)] limit: u32) -> StageResult<String> {
    if number > limit {
        return Err(StageError::permanent("too large"));
    }
    Ok(format!("<{number}>"))
}

#[stage]
async fn join(left: u32, right: String) -> StageResult<String> {
    Ok(format!("{left} {right}"))
}

workflow! { forking = fetch >> [left, right] >> join }

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

async fn engine(world: &World) -> Engine {
    world.engine().register::<forking>().build().await.unwrap()
}

async fn a_fork_takes_over_what_was_completed(world: World) {
    let engine = engine(&world).await;
    let start = engine.start::<forking>(FetchInput { number: 500 }).tag("customer", "acme");
    let run = start.metadata(["kept"]).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    let before = run.record().await.unwrap();

    let fork = || run.fork_from("right").config(json(r#"{"right":{"limit":1000}}"#));
    let plan = fork().dry_run().await.unwrap();
    assert_eq!(plan.run_id, None);
    assert!(plan.stages.contains(&"right".to_owned()));
    assert!(plan.taken_over.contains(&"fetch".to_owned()));
    let forked = fork().idempotency_key("once").await.unwrap();
    assert_eq!(fork().idempotency_key("once").await.unwrap(), forked, "a key forks once");
    let new = engine.run_handle::<forking>(forked.run_id.unwrap()).await.unwrap();
    assert_eq!(new.output().await.unwrap(), "1002 <501>");
    assert_eq!(new.stage_output::<fetch>().await.unwrap(), Some(501));
    assert!(new.attempts::<fetch>().await.unwrap().is_empty(), "it has not run again");
    assert_eq!(new.config().await.unwrap().right.limit, 1000);
    assert_eq!(new.metadata().await.unwrap().unwrap().as_str(), r#"["kept"]"#);
    assert_eq!(new.forked_from().await.unwrap(), Some(run.id()));
    assert_eq!(run.forked_from().await.unwrap(), None);
    assert_eq!(run.record().await.unwrap(), before, "the other run stays");
    let of_acme = engine.runs(&RunFilter::new().tag("customer", "acme")).await.unwrap();
    assert_eq!(of_acme.len(), 2);
}

async fn a_fork_has_edited_outputs_and_input(world: World) {
    let engine = world.engine().register::<forking>().inline_limit(2).build().await.unwrap();
    let run = engine.start::<forking>(FetchInput { number: 4 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "10 <5>");
    let forked = run.fork_from("join").output("right", json(r#""edited""#)).await.unwrap();
    assert_eq!(forked.taken_over, ["fetch", "left", "right"]);
    assert_eq!(forked.stages, ["join"]);
    let new = engine.run_handle::<forking>(forked.run_id.unwrap()).await.unwrap();
    assert_eq!(new.output().await.unwrap(), "10 edited");
    // The values are its own: large ones do not belong to the other run.
    run.delete().await.unwrap();
    assert_eq!(new.stage_output::<right>().await.unwrap().as_deref(), Some("edited"));
    let restarted = new.fork_from("fetch").input(json(r#"{"number":9}"#)).await.unwrap();
    let restarted = engine.run_handle::<forking>(restarted.run_id.unwrap()).await.unwrap();
    assert_eq!(restarted.output().await.unwrap(), "20 <10>");
}

async fn a_fork_that_does_not_fit_is_refused(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<forking>(FetchInput { number: 500 }).await.unwrap();
    run.output().await.unwrap_err();
    let refused = [
        (run.fork_from("nothing"), ErrorCode::StageNotFound, "nothing"),
        (run.fork_from("join"), ErrorCode::AncestorNotCompleted, "right"),
        (run.fork_from("left").input(json(r#"{"number":1}"#)), ErrorCode::InvalidRequest, "input"),
        (run.fork_from("fetch").input(json(r#"{"number":"x"}"#)), ErrorCode::InvalidInput, "number"),
        (run.fork_from("left").config(json(r#"{"lost":{}}"#)), ErrorCode::InvalidConfig, "lost"),
        (run.fork_from("left").output("fetch", json(r#""x""#)), ErrorCode::InvalidRequest, "`fetch`"),
        (run.fork_from("left").output("join", json(r#""x""#)), ErrorCode::InvalidRequest, "`join`"),
    ];
    for (fork, code, part) in refused {
        let error = fork.await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(engine.runs(&RunFilter::new()).await.unwrap().len(), 1, "nothing was created");
    let other = world.engine().without_worker().build().await.unwrap();
    let never = other.dispatch(ForkRun::new(workflow_engine::RunId::generate(), "fetch")).await.unwrap_err();
    assert_eq!(never.code(), ErrorCode::RunNotFound);
}

async fn an_action_is_kept_with_its_run(world: World) {
    let log = LogLines::record().await;
    let engine = engine(&world).await;
    let ada = Actor::new("ada").via("api").request_id("req-7");
    let by_ada = engine.by(ada.clone());
    let run = engine.start::<forking>(FetchInput { number: 500 }).await.unwrap();
    run.output().await.unwrap_err();
    let seen = by_ada.any_run(run.id()).await.unwrap();
    seen.rerun_from("right").dry_run().await.unwrap();
    assert!(engine.actions().await.unwrap().is_empty(), "nothing has happened");
    seen.rerun_from("right").await.unwrap();
    run.output().await.unwrap_err();
    let forked = seen.fork_from("left").await.unwrap().run_id.unwrap();
    let idle = world.engine().register::<forking>().without_worker().build().await.unwrap();
    let pending = idle.start::<forking>(FetchInput { number: 4 }).await.unwrap();
    let cancel =
        format!(r#"{{"type":"run.cancel","run_id":"{}","reason":"r","by":{{"name":"bob"}}}}"#, pending.id());
    // A worker may have been faster.
    let cancelled = engine.dispatch_json(&cancel).await.unwrap().as_str() == r#"{"cancelled":true}"#;

    let actions: Vec<ActionRecord> = engine.actions().await.unwrap().items;
    let of_ada: Vec<_> = actions.iter().filter(|action| action.by.as_ref() == Some(&ada)).collect();
    let shown: Vec<_> = of_ada.iter().map(|action| (action.action.as_str(), action.run_id)).collect();
    assert_eq!(shown, [("fork", forked), ("rerun", run.id())], "the newest first");
    assert_eq!(of_ada[1].details.as_str(), r#"{"from_stage_id":"right"}"#);
    let of_bob = actions.iter().find(|action| action.action == "cancel");
    assert_eq!(of_bob.is_some(), cancelled);
    if let Some(of_bob) = of_bob {
        assert_eq!(
            (of_bob.by.clone(), of_bob.details.as_str()),
            (Some(Actor::new("bob")), r#"{"reason":"r"}"#)
        );
    }
    let first = engine.actions().limit(1).await.unwrap();
    let second = engine.actions().limit(1).after(first.next.clone().unwrap()).await.unwrap();
    assert_eq!([first.items, second.items].concat(), actions[..2]);

    let invalid = engine.by(Actor::new("")).any_run(run.id()).await.unwrap().cancel("no").await.unwrap_err();
    assert_eq!(invalid.code(), ErrorCode::InvalidRequest);
    let unknown = WakeStage { run_id: run.id(), stage_key: "nothing".into() };
    assert_eq!(by_ada.dispatch(unknown).await.unwrap_err().code(), ErrorCode::StageNotFound);
    let lines: Vec<_> =
        log.all().into_iter().filter(|line| line.contains("workflow_engine::audit")).collect();
    let has = |parts: &[&str]| lines.iter().any(|line| parts.iter().all(|part| line.contains(part)));
    let id = run.id().to_string();
    let of_ada = [r#"by="ada""#, r#"via="api""#, r#"request_id="req-7""#, &id];
    assert!(has(&[&of_ada[..], &[r#"action="run.rerunFrom""#, r#"outcome="OK""#]].concat()), "{lines:?}");
    let refused = [r#"action="stage.wake""#, r#"outcome="STAGE_NOT_FOUND""#];
    assert!(has(&[&of_ada[..], &refused].concat()), "a refused one, too: {lines:?}");
    assert!(has(&[r#"action="run.cancel""#, r#"outcome="INVALID_REQUEST""#]), "{lines:?}");
}

async fn keys_of_actions_are_reserved(world: World) {
    const KEY: AnnotationKey<u32> = AnnotationKey::new("operator.cancel");

    let engine = engine(&world).await;
    let run = engine.start::<forking>(FetchInput { number: 4 }).await.unwrap();
    let refused = run.annotate(KEY.value(&7)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidAnnotation);
    assert!(refused.to_string().contains("operator."), "{refused}");
    assert!(run.annotations(&AnnotationFilter::new()).await.unwrap().is_empty());
}

on_every_store!(
    a_fork_takes_over_what_was_completed,
    a_fork_has_edited_outputs_and_input,
    a_fork_that_does_not_fit_is_refused,
    an_action_is_kept_with_its_run,
    keys_of_actions_are_reserved,
);
