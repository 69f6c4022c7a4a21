//! The attempts of a stage, and the JSON of records, events and errors.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::TryStreamExt;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tests::on_every_store;
use tests::registered::wait_until_registered;
use tests::world::World;
use workflow_engine::prelude::*;
use workflow_engine::records::{
    AiCallRecord, AnnotationRecord, ArtifactRecord, AttemptOutcome, AttemptRecord, DeadLetter, Event,
    EventKind, JobRecord, LogRecord, RunRecord, RunRequest, StageRecord, SubscriberRecord,
};
use workflow_engine::{
    AnnotationFilter, AnnotationKey, Error, ErrorCode, LogFilter, LogLevel, Page, RunFilter, RunId,
};

const NOTE: AnnotationKey<Option<u32>> = AnnotationKey::new("note");

#[stage(retry(max_attempts = 3, initial = "1s"))]
async fn fetch(failures: u32, ctx: &StageContext) -> StageResult<()> {
    ctx.log(LogLevel::Info, "attempt", json!({ "number": 9_007_199_254_740_993_u64 }));
    if ctx.attempt() <= failures {
        return Err(StageError::retryable(format!("failure {}", ctx.attempt())));
    }
    ctx.put_artifact("nothing", &())?;
    Ok(())
}

#[stage(check = answered, poll_every = "1h", retry(max_attempts = 3, initial = "1s"))]
async fn ask(_before: ()) -> StageResult<u32> {
    Ok(7)
}

#[check]
async fn answered(ticket: &u32, ctx: &StageContext) -> StageResult<Check<u32>> {
    if ctx.attempt() == 1 {
        return Err(StageError::retryable("no connection"));
    }
    Ok(Check::Ready(*ticket))
}

workflow! { asking = fetch >> ask }

#[stage]
async fn hang(_number: u32) -> StageResult<()> {
    std::future::pending().await
}

workflow! { hanging = hang }

/// Waits for the end of a generation that begins after an event, and lets time pass where the run waits. Returns the last
/// event.
async fn wait_for_end(world: &World, run: &RunHandle<asking>, mut seen: u64) -> u64 {
    loop {
        let event = run.events_after(seen).try_next().await.unwrap().expect("the run ends");
        seen = event.sequence;
        if event.kind.ends_run() {
            return seen;
        }
        if matches!(event.kind, EventKind::StageRetrying { .. } | EventKind::StageSuspended { .. }) {
            world.clock.advance(Duration::from_secs(3_600));
        }
    }
}

async fn finished(world: &World, failures: u32) -> (Engine, RunHandle<asking>) {
    let engine = world.engine().register::<asking>().build().await.unwrap();
    wait_until_registered(&engine).await.unwrap();
    let run = engine.start::<asking>(FetchInput { failures }).tag("customer", "acme").await.unwrap();
    wait_for_end(world, &run, 0).await;
    (engine, run)
}

fn short(attempts: &[AttemptRecord]) -> Vec<(u32, u32, AttemptOutcome, Option<&str>)> {
    let short = attempts
        .iter()
        .map(|attempt| (attempt.generation, attempt.number, attempt.outcome, attempt.error.as_deref()));
    short.collect()
}

async fn attempts_are_kept_after_success_and_after_a_rerun(world: World) {
    let (_engine, run) = finished(&world, 2).await;
    let first = [
        (1, 1, AttemptOutcome::Retried, Some("failure 1")),
        (1, 2, AttemptOutcome::Retried, Some("failure 2")),
        (1, 3, AttemptOutcome::Completed, None),
    ];
    let attempts = run.attempts::<fetch>().await.unwrap();
    assert_eq!(short(&attempts), first);
    for attempt in &attempts {
        assert!(attempt.started_at.unwrap() <= attempt.ended_at.unwrap());
        assert!(attempt.worker.is_some() && attempt.worker_id.is_some() && !attempt.is_check, "{attempt:?}");
    }
    let asked = run.attempts::<ask>().await.unwrap();
    assert_eq!(
        short(&asked),
        [(1, 1, AttemptOutcome::Retried, Some("no connection")), (1, 1, AttemptOutcome::Completed, None)]
    );
    assert_eq!(asked.iter().map(|attempt| attempt.is_check).collect::<Vec<_>>(), [true, false]);

    let seen = run.record().await.unwrap().last_sequence;
    run.rerun_from::<fetch>().await.unwrap();
    wait_for_end(&world, &run, seen).await;
    let attempts = run.attempts::<fetch>().await.unwrap();
    assert_eq!(short(&attempts)[..3], first);
    assert_eq!(attempts.len(), 6);
    assert!(attempts[3..].iter().all(|attempt| attempt.generation == 2));
    assert_eq!(run.any().attempts("fetch").await.unwrap(), attempts);
    assert_eq!(run.any().attempts("fetched").await.unwrap_err().code(), ErrorCode::StageNotFound);
}

async fn the_attempt_that_runs_names_its_worker(world: World) {
    let engine = world.engine().register::<hanging>().build().await.unwrap();
    wait_until_registered(&engine).await.unwrap();
    let run = engine.start::<hanging>(HangInput { _number: 1 }).await.unwrap();
    let attempts = run.attempts::<hang>().await.unwrap();
    assert_eq!(short(&attempts), [(1, 1, AttemptOutcome::Running, None)]);
    assert!(attempts[0].worker_id.is_some());
    run.cancel("enough").await.unwrap();
    let attempts = run.attempts::<hang>().await.unwrap();
    assert_eq!(short(&attempts), [(1, 1, AttemptOutcome::Cancelled, None)]);
    assert!(attempts[0].worker_id.is_some(), "also after its end");
    run.delete().await.unwrap();
    assert_eq!(run.attempts::<hang>().await.unwrap_err().code(), ErrorCode::RunNotFound);
}

/// Writes a value as JSON and reads it back; returns the JSON.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) -> Value {
    let text = serde_json::to_string(value).unwrap();
    let read: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(read, *value, "{text}");
    let json = serde_json::from_str(&text).unwrap();
    assert_snake_case(&json);
    json
}

fn assert_snake_case(json: &Value) {
    if let Value::Object(fields) = json {
        for (key, value) in fields {
            let is_snake = key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            assert!(is_snake, "{key}");
            assert_snake_case(value);
        }
    }
}

async fn every_record_is_read_back_from_its_json(world: World) {
    let (engine, run) = finished(&world, 1).await;
    run.annotate(NOTE.value(&None)).await.unwrap();
    let record = round_trip(&run.record().await.unwrap());
    assert_eq!(record["status"], "COMPLETED");
    assert_eq!(record["output"], json!({ "inline": 7 }));
    assert_eq!(record["spending"]["cost"], "0.00 USD");
    let stages = run.stages().await.unwrap();
    assert_eq!(round_trip(&stages)[0]["output"], json!({ "inline": null }));
    let events = round_trip(&run.event_history().await.unwrap());
    let event = &events["items"][0];
    assert_eq!(event["type"], "workflow:created");
    assert_eq!(event["data"], json!({ "workflow_id": "asking" }));
    assert_eq!((&event["sequence"], &event["run_id"]), (&json!(1), &json!(run.id())));
    let lines = run.log_history(&LogFilter::new()).await.unwrap();
    let text = serde_json::to_string(&lines).unwrap();
    assert!(text.contains("9007199254740993"), "numbers keep their digits: {text}");
    round_trip(&lines);
    round_trip(&run.artifacts().await.unwrap());
    round_trip(&run.annotations(&AnnotationFilter::new()).await.unwrap());
    round_trip(&run.attempts::<ask>().await.unwrap());
    round_trip(&engine.runs(&RunFilter::new()).await.unwrap());
    let store = &world.store;
    round_trip(&store.request(run.id()).await.unwrap().unwrap());
    round_trip(&engine.subscribers().await.unwrap());
    round_trip(&engine.call_statistics("workflow").await.unwrap());
    let open = engine.start::<asking>(FetchInput { failures: 0 }).await.unwrap();
    round_trip(&store.snapshot(open.id()).await.unwrap().unwrap().jobs);
}

#[test]
fn an_error_is_json_with_its_code_and_its_causes() {
    let error = "nonsense".parse::<RunId>().unwrap_err();
    let json = serde_json::to_value(&error).unwrap();
    assert_eq!(json["code"], "INVALID_RUN_ID");
    assert_eq!(json["message"], error.to_string());
    assert_eq!(json["retryable"], false);
    assert!(json["causes"].is_array());
    for code in ErrorCode::ALL {
        let text = serde_json::to_string(code).unwrap();
        assert_eq!(serde_json::from_str::<ErrorCode>(&text).unwrap(), *code);
    }
    assert!(serde_json::from_str::<ErrorCode>("\"NONSENSE\"").is_err());
}

#[test]
fn an_event_of_an_unknown_type_is_refused() {
    let event = json!({
        "run_id": RunId::generate(), "sequence": 1, "at": "2026-01-02T03:04:05Z", "type": "workflow:created",
        "causation_id": "run.create",
        "data": { "workflow_id": "asking" },
    });
    assert!(serde_json::from_str::<Event>(&event.to_string()).is_ok());
    for (place, wrong) in [("type", json!("workflow:made")), ("type", json!("\":1}")), ("data", json!({}))] {
        let mut changed = event.clone();
        changed[place] = wrong;
        assert!(serde_json::from_str::<Event>(&changed.to_string()).is_err(), "{changed}");
    }
}

/// A schema names exactly the fields of the JSON.
#[test]
fn every_record_has_a_schema() {
    fn properties<T: JsonSchema>() -> BTreeSet<String> {
        let schema = schemars::schema_for!(T);
        let properties = schema.get("properties").and_then(Value::as_object);
        properties.unwrap_or_else(|| panic!("{schema:?}")).keys().cloned().collect()
    }
    let has =
        |properties: &BTreeSet<String>, field: &str| assert!(properties.contains(field), "{properties:?}");
    has(&properties::<RunRecord>(), "definition_fingerprint");
    has(&properties::<RunRequest>(), "input");
    has(&properties::<StageRecord>(), "execution_group");
    has(&properties::<JobRecord>(), "lease_epoch");
    has(&properties::<LogRecord>(), "level");
    has(&properties::<ArtifactRecord>(), "generation");
    has(&properties::<AnnotationRecord>(), "actor");
    has(&properties::<AttemptRecord>(), "outcome");
    has(&properties::<AiCallRecord>(), "model_key");
    has(&properties::<DeadLetter>(), "plugin");
    has(&properties::<SubscriberRecord>(), "event_types");
    has(&properties::<Page<RunRecord>>(), "items");
    assert_eq!(
        properties::<Event>(),
        ["at", "causation_id", "data", "run_id", "sequence", "type"].map(String::from).into()
    );
    assert_eq!(properties::<Error>(), ["causes", "code", "message", "retryable"].map(String::from).into());
}

on_every_store!(
    attempts_are_kept_after_success_and_after_a_rerun,
    the_attempt_that_runs_names_its_worker,
    every_record_is_read_back_from_its_json,
);
