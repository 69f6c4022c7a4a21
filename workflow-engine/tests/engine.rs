//! The engine from the outside, over the store in memory.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use workflow_engine::prelude::*;

static FAILURES: AtomicUsize = AtomicUsize::new(0);

#[stage]
async fn first(number: u64) -> StageResult<u64> {
    Ok(number + 1)
}

#[stage]
async fn left(number: u64) -> StageResult<u64> {
    Ok(number * 10)
}

#[stage(retry(max_attempts = 3, initial = "1ms"))]
async fn right(number: u64) -> StageResult<String> {
    if FAILURES.fetch_add(1, Ordering::Relaxed) == 0 {
        return Err(StageError::retryable("not yet"));
    }
    Ok(format!("<{number}>"))
}

#[stage]
async fn last(left: u64, right: String, #[require(first)] number: &u64) -> StageResult<String> {
    Ok(format!("{left} {right} {number}"))
}

workflow! { diamond = first >> [left, right] >> last }

#[tokio::test]
async fn a_diamond_runs_to_its_typed_output() {
    let engine = Engine::open("memory:").await.unwrap().register::<diamond>().build().await.unwrap();
    let run = engine.start::<diamond>(FirstInput { number: 4 }).await.unwrap();
    let events: Vec<_> = run.events().map(|event| event.unwrap()).collect().await;
    for event in &events {
        println!("{} {:?}", event.sequence, event.kind);
    }
    assert_eq!(run.output().await.unwrap(), "50 <5> 5");
    engine.shutdown().await;
}
