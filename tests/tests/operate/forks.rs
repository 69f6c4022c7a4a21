//! Forks and reruns by a process without the code, and of runs with choices.

use std::time::Duration;

use tests::on_every_store;
use tests::world::World;
use workflow_engine::prelude::*;
use workflow_engine::{AnyRun, ErrorCode, Json, RunId};

#[stage]
async fn begin(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage(retry(max_attempts = config.tries))]
async fn greet(
    number: u32,
    #[config(default = 2)] tries: u32,
    #[config(default = String::new())] greeting: String,
) -> StageResult<String> {
    if number == 0 {
        return Err(StageError::retry_after(format!("one of {tries} attempts"), Duration::ZERO));
    }
    Ok(format!("{greeting} {number}"))
}

#[stage]
async fn limit(text: String, #[config(default = 9, range(1..=50))] length: usize) -> StageResult<String> {
    Ok(text.chars().take(length).collect())
}

workflow! { greeting = begin >> greet >> limit }

#[stage]
async fn even(number: u32) -> StageResult<String> {
    Ok(format!("even {number}"))
}

#[stage]
async fn odd(number: u32) -> StageResult<String> {
    Ok(format!("odd {number}"))
}

#[stage]
async fn report(text: String) -> StageResult<String> {
    Ok(text)
}

workflow! {
    choosing = match begin { number if number % 2 == 0 => even, number => odd } >> report
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

async fn engine(world: &World) -> Engine {
    world.engine().register::<greeting>().register::<choosing>().build().await.unwrap()
}

/// Returns the run as a process sees it that does not have its workflow.
async fn stranger(world: &World, run_id: RunId) -> AnyRun {
    world.engine().without_worker().build().await.unwrap().any_run(run_id).await.unwrap()
}

/// Returns how many attempts of `greet` the run has made.
async fn attempts(engine: &Engine, run_id: RunId) -> u32 {
    let run = engine.run_handle::<greeting>(run_id).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    run.stages().await.unwrap()[1].attempt
}

async fn attempts_of_the_configuration_count_without_the_code(world: World) {
    let engine = engine(&world).await;
    let mut config = <greeting as Workflow>::Config::default();
    config.greet.tries = 3;
    let run = engine.start::<greeting>(BeginInput { number: 0 }).config(config).await.unwrap();
    assert_eq!(attempts(&engine, run.id()).await, 3);
    let other = stranger(&world, run.id()).await;
    other.rerun_from("greet").await.unwrap();
    assert_eq!(attempts(&engine, run.id()).await, 3);
    let forked = other.fork_from("greet").await.unwrap().run_id.unwrap();
    assert_eq!(attempts(&engine, forked).await, 3);
    let edited = other.fork_from("greet").config(json(r#"{"greet":{"tries":4}}"#)).await.unwrap();
    assert_eq!(attempts(&engine, edited.run_id.unwrap()).await, 4);
    let default = other.fork_from("greet").config(json("{}")).await.unwrap();
    assert_eq!(attempts(&engine, default.run_id.unwrap()).await, 2);
}

async fn a_configuration_is_edited_without_the_code(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<greeting>(BeginInput { number: 7 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), " 7");
    let other = stranger(&world, run.id()).await;
    let config = r#"{"greet":{"greeting":"good morning"},"limit":{"length":4}}"#;
    let forked = other.fork_from("greet").config(json(config)).await.unwrap();
    let new = engine.run_handle::<greeting>(forked.run_id.unwrap()).await.unwrap();
    assert_eq!(new.output().await.unwrap(), "good");
    // The process with the code stores the same.
    let by_code = run.fork_from("greet").config(json(config)).await.unwrap();
    let by_code = engine.any_run(by_code.run_id.unwrap()).await.unwrap();
    let stored = async |run: &AnyRun| run.config().await.unwrap().decode::<serde_json::Value>().unwrap();
    assert_eq!(stored(new.any()).await, stored(&by_code).await);
    for (config, part) in [
        ("[]", "expected an object of stage ids"),
        (r#"{"gret":{}}"#, "it has no stage `gret`"),
        (r#"{"greet":{"tries":"many"}}"#, "at `tries`"),
        (r#"{"greet":{"colour":"red"}}"#, "stage `greet`"),
        (r#"{"limit":{"length":51}}"#, "at `length`"),
        (r#"{"limit":7}"#, "stage `limit`"),
    ] {
        let error = other.fork_from("greet").config(json(config)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidConfig, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

async fn a_fork_of_a_run_with_a_choice_chooses_again(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<choosing>(BeginInput { number: 4 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "even 4");
    let plan = run.fork_from("begin").dry_run().await.unwrap();
    assert_eq!((plan.taken_over.len(), plan.stages.len()), (0, 4));
    let forked = run.fork_from("begin").input(json(r#"{"number":5}"#)).await.unwrap();
    let new = engine.run_handle::<choosing>(forked.run_id.unwrap()).await.unwrap();
    assert_eq!(new.output().await.unwrap(), "odd 5");
    // Which arm was taken is not taken over.
    let late = run.fork_from("report").await.unwrap_err();
    assert_eq!(late.code(), ErrorCode::AncestorNotCompleted);
    assert!(late.to_string().contains("`begin`"), "{late}");
    let other = stranger(&world, run.id()).await;
    let without_code = other.fork_from("begin").await.unwrap_err();
    assert_eq!(without_code.code(), ErrorCode::WorkflowNotFound);
    assert_eq!(run.output().await.unwrap(), "even 4", "the other run stays");
}

on_every_store!(
    attempts_of_the_configuration_count_without_the_code,
    a_configuration_is_edited_without_the_code,
    a_fork_of_a_run_with_a_choice_chooses_again,
);
