//! A worker of the chaos test: `chaos_worker <database> <sink file> <log file>`.

use std::fs::OpenOptions;
use std::sync::Mutex;

use tests::chaos::work::{SinkFile, slow_diamond};
use tests::chaos::{LEASE, until};
use workflow_engine::EngineBuilder;
use workflow_engine::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [database, sink, log] = <[String; 3]>::try_from(std::env::args().skip(1).collect::<Vec<_>>())
        .map_err(|_| "three arguments")?;
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(log)).init();
    let engine = build(|| {
        Engine::builder(&database)
            .register::<slow_diamond>()
            .lease(LEASE)
            .concurrency(16)
            .event_sink(SinkFile(sink.clone().into()))
            .shutdown_on_signals()
    })
    .await;
    engine.wait_for_shutdown().await;
    Ok(())
}

/// Builds the engine once the database is available: a worker may start while it is down.
async fn build(configure: impl Fn() -> EngineBuilder) -> Engine {
    let mut engine = None;
    until("the database is open", async || match configure().build().await {
        Ok(built) => {
            engine = Some(built);
            true
        }
        Err(error) => {
            assert!(error.is_retryable(), "{error}");
            false
        }
    })
    .await;
    engine.expect("it is open")
}
