//! Stages of choices and of caught failures.

use serde_json::{Value, json};
use workflow_engine::Engine;
use workflow_engine::prelude::*;

use crate::support::serve;

#[stage]
async fn weigh(grams: u64) -> StageResult<Option<u64>> {
    Ok((grams > 1_000).then_some(grams))
}

#[stage]
async fn freight(grams: u64) -> StageResult<String> {
    Err(StageError::permanent(format!("{grams} grams are too heavy")))
}

#[stage]
async fn note(failure: StageFailure) -> StageResult<String> {
    Ok(failure.message)
}

#[stage]
async fn pass(sent: String) -> StageResult<String> {
    Ok(sent)
}

workflow! {
    Sending = match weigh {
        Some(grams) => match catch(freight) { Ok(sent) => pass, Err(failure) => note },
        None => (),
    }
}

#[tokio::test]
async fn a_run_shows_the_arm_the_caught_failure_and_what_was_skipped() {
    let engine = Engine::builder("memory:").register::<Sending>().build().await.unwrap();
    let served = serve(engine, |server| server).await;
    let stages = async |grams: u64| {
        let id = served.run("sending", json!({ "grams": grams })).await;
        let run = served.json(&format!("/runs/{id}")).await;
        let shown = |stage: &Value| (stage["id"].clone(), stage["status"].clone(), stage["arm"].clone());
        let stages = run["stages"].as_array().unwrap();
        let failures =
            stages.iter().map(|stage| stage["failure"].clone()).filter(|failure| !failure.is_null());
        (stages.iter().map(shown).collect::<Vec<_>>(), failures.collect::<Vec<_>>())
    };
    let stage = |id: &str, status: &str, arm: Value| (json!(id), json!(status), arm);
    let (heavy, failures) = stages(2_000).await;
    assert_eq!(
        heavy,
        [
            stage("weigh", "COMPLETED", json!(0)),
            stage("freight", "FAILED", json!(1)),
            stage("pass", "SKIPPED", Value::Null),
            stage("note", "COMPLETED", Value::Null),
        ]
    );
    let [failure] = failures.as_slice() else { panic!("{failures:?}") };
    assert_eq!((&failure["stage_id"], &failure["code"]), (&json!("freight"), &json!("STAGE_FAILED")));
    let (light, failures) = stages(10).await;
    assert!(light[1..].iter().all(|stage| stage.1 == "SKIPPED"), "{light:?}");
    assert!(failures.is_empty());
}
