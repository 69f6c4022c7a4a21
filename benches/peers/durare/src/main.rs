//! durare 0.5: `peer-durare WORK STORE`.
//!
//! Recommended settings: workflows are started in the process that executes them (its queue polls and is slower one
//! at a time), 16 connections on PostgreSQL. On SQLite its default is `synchronous=NORMAL`, which may lose acknowledged
//! work; here it is FULL, as for all engines.

#[path = "../../common.rs"]
#[allow(dead_code)]
mod common;

use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Work, body, file, submit_all, url};
use durare::{
    DurableContext, DurableEngine, PostgresProvider, Result, SqliteProvider, StateProvider, WorkflowOptions,
};
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

async fn diamond(context: DurableContext, run: u64) -> Result<Value> {
    context.step("first", move || async move { Ok(body("first", run)) }).await?;
    let left = context.step("left", move || async move { Ok(body("left", run)) });
    let right = context.step("right", move || async move { Ok(body("right", run)) });
    let (_, _): (Value, Value) = tokio::try_join!(left, right)?;
    context.step("last", move || async move { Ok(body("last", run)) }).await
}

async fn chain(context: DurableContext, run: u64) -> Result<Value> {
    let mut value = Value::Null;
    for _ in 0..10 {
        value = context.step("link", move || async move { Ok(body("link", run)) }).await?;
    }
    Ok(value)
}

async fn provider(store: &str) -> Arc<dyn StateProvider> {
    if store == "postgres" {
        let options: PgConnectOptions = url().parse().expect("a URL");
        let options = options.options([("search_path", "dbos")]);
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .connect_with(options)
            .await
            .expect("the server is there");
        return Arc::new(PostgresProvider::from_pool_with_schema(pool, "dbos").expect("a schema"));
    }
    let options = SqliteConnectOptions::from_str(&format!("sqlite://{}", file()))
        .expect("a path")
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5));
    let pool = SqlitePoolOptions::new().max_connections(5).connect_with(options).await.expect("a file");
    Arc::new(SqliteProvider::from_pool(pool))
}

#[tokio::main]
async fn main() {
    let work = Work::from_args();
    let mut builder = DurableEngine::builder(provider(&work.store).await);
    builder.register("diamond", diamond);
    builder.register("chain", chain);
    let engine = Arc::new(builder.build().await.expect("an engine"));
    engine.launch().await.expect("it starts");
    let name = if work.is_chain() { "chain" } else { "diamond" };
    let start = move |run: usize| {
        let engine = engine.clone();
        async move {
            let options = WorkflowOptions::default();
            engine.start::<u64, Value>(name, run as u64, options).await.expect("a run")
        }
    };
    for run in 0..10 {
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
        work.print_latency("durare 0.5", "in process", samples);
    }
    let began = Instant::now();
    let mut done = 0;
    for handle in submit_all(work.runs, work.submitters, start).await {
        done += usize::from(handle.result().await.is_ok());
    }
    work.print_throughput("durare 0.5", "in process", done, began);
}
