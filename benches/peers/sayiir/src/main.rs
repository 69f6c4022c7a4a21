//! sayiir 1.0: `peer-sayiir WORK postgres`.
//!
//! Recommended settings: its runner in process, which saves after each task (its pooled workers poll and are slower),
//! 16 runs at a time, 16 connections.

#[path = "../../common.rs"]
#[allow(dead_code)]
mod common;

use std::sync::Arc;
use std::time::Instant;

use common::{Work, body, url};
use futures::StreamExt;
use sayiir_core::task::BranchOutputs;
use sayiir_postgres::PostgresBackend;
use sayiir_runtime::prelude::*;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;

fn run_of(value: &Value) -> u64 {
    value["run"].as_u64().unwrap_or(0)
}

macro_rules! links {
    ($builder:expr, $($id:literal)*) => {{
        let builder = $builder;
        $(let builder = builder.then($id, |value: Value| async move { Ok(body($id, run_of(&value))) });)*
        builder
    }};
}

#[tokio::main]
async fn main() {
    let work = Work::from_args();
    let pool = PgPoolOptions::new().max_connections(16).connect(&url()).await.expect("the server is there");
    let backend = PostgresBackend::<JsonCodec>::connect_with(pool).await.expect("its tables");
    let builder = WorkflowBuilder::new(WorkflowContext::new("speed", Arc::new(JsonCodec), Arc::new(())));
    let workflow = if work.is_chain() {
        let links = links!(builder, "s0" "s1" "s2" "s3" "s4" "s5" "s6" "s7" "s8" "s9");
        links.build().expect("a chain")
    } else {
        builder
            .then("first", |value: Value| async move { Ok(body("first", run_of(&value))) })
            .branches(|branches| {
                branches.add("left", |value: Value| async move { Ok(body("left", run_of(&value))) });
                branches.add("right", |value: Value| async move { Ok(body("right", run_of(&value))) });
            })
            .join("last", |outputs: BranchOutputs<JsonCodec>| async move {
                let left: Value = outputs.get_by_id("left")?;
                let _right: Value = outputs.get_by_id("right")?;
                Ok(body("last", run_of(&left)))
            })
            .build()
            .expect("a diamond")
    };
    let (runner, workflow) = (Arc::new(CheckpointingRunner::new(backend)), Arc::new(workflow));
    let run = |name: String, run: usize| {
        let (runner, workflow) = (runner.clone(), workflow.clone());
        async move {
            let status = runner.run(&workflow, name, json!({"run": run})).await.expect("a run");
            assert!(matches!(status, WorkflowStatus::Completed), "the run has not completed");
        }
    };
    for number in 0..10 {
        run(format!("warm-{number}"), number).await;
    }
    if work.is_latency() {
        let mut samples = Vec::new();
        for number in 0..work.runs {
            let began = Instant::now();
            run(format!("run-{number}"), number).await;
            samples.push(began.elapsed().as_secs_f64());
        }
        work.print_latency("sayiir 1.0", "in process", samples);
    }
    // The future of a run is not `Send`, so one task runs all of them.
    let began = Instant::now();
    let runs = futures::stream::iter(0..work.runs).map(|number| run(format!("run-{number}"), number));
    let done = runs.buffer_unordered(16).collect::<Vec<()>>().await.len();
    work.print_throughput("sayiir 1.0", "in process, 16 at a time", done, began);
}
