//! A worker of the chaos test: `chaos_worker <database> <sink file> <log file>`.

use std::fs::OpenOptions;
use std::sync::Mutex;

use tests::chaos::work::{SinkFile, toilsome};
use tests::chaos::{LEASE, until};
use workflow_engine::EngineBuilder;
use workflow_engine::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [database, sink, log] = <[String; 3]>::try_from(std::env::args().skip(1).collect::<Vec<_>>())
        .map_err(|_| "three arguments")?;
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(log)).init();
    let builder = open(&database).await.register::<toilsome>().lease(LEASE).concurrency(16);
    let engine = builder.event_sink(SinkFile(sink.into())).shutdown_on_signals().build().await?;
    engine.wait_for_shutdown().await;
    Ok(())
}

/// Opens the database, and retries while the server is down.
async fn open(database: &str) -> EngineBuilder {
    let mut builder = None;
    until("the database is open", async || match Engine::open(database).await {
        Ok(opened) => {
            builder = Some(opened);
            true
        }
        Err(error) => {
            assert!(error.is_retryable(), "{error}");
            false
        }
    })
    .await;
    builder.expect("it is open")
}
