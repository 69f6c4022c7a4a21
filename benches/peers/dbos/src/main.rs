//! dbos 0.5: `peer-dbos WORK postgres`.
//!
//! Recommended settings: workflows are started in the process that executes them (its queue polls and is slower), 16
//! connections.

#[path = "../../common.rs"]
#[allow(dead_code)]
mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Work, body, submit_all, url};
use dbos::{Config, DBOS, step};
use serde_json::Value;

async fn diamond(run: u64) -> dbos::Result<Value> {
    step("first", move || async move { dbos::Result::Ok(body("first", run)) }).await?;
    let left = step("left", move || async move { dbos::Result::Ok(body("left", run)) });
    let right = step("right", move || async move { dbos::Result::Ok(body("right", run)) });
    let (left, right) = tokio::join!(left, right);
    left?;
    right?;
    step("last", move || async move { dbos::Result::Ok(body("last", run)) }).await
}

async fn chain(run: u64) -> dbos::Result<Value> {
    let mut value = Value::Null;
    for _ in 0..10 {
        value = step("link", move || async move { dbos::Result::Ok(body("link", run)) }).await?;
    }
    Ok(value)
}

#[tokio::main]
async fn main() {
    let work = Work::from_args();
    let config = Config { max_connections: 16, app_version: Some("1".into()), ..Config::new("speed", url()) };
    let dbos = DBOS::new(config);
    let workflow = if work.is_chain() {
        dbos.register_workflow("chain", chain).expect("a workflow")
    } else {
        dbos.register_workflow("diamond", diamond).expect("a workflow")
    };
    dbos.launch().await.expect("it starts");
    let workflow = Arc::new(workflow);
    let start = move |run: usize| {
        let workflow = workflow.clone();
        async move { workflow.start(run as u64).await.expect("a run") }
    };
    for run in 0..20 {
        start(run).await.result().await.expect("an output");
    }
    if work.is_latency() {
        let mut samples = Vec::new();
        for run in 0..work.runs {
            let began = Instant::now();
            start(run).await.result().await.expect("an output");
            samples.push(began.elapsed().as_secs_f64());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        work.print_latency("dbos 0.5", "in process", samples);
    }
    let began = Instant::now();
    let mut done = 0;
    for handle in submit_all(work.runs, work.submitters, start).await {
        handle.result().await.expect("an output");
        done += 1;
    }
    work.print_throughput("dbos 0.5", "in process", done, began);
}
