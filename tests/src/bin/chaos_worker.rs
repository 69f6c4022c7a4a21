//! A worker for the test of chaos: `chaos_worker <database> <file of the sink> <file of the log>`.

use std::fs::OpenOptions;
use std::sync::Mutex;
use std::time::Duration;

use tests::chaos::LEASE;
use tests::chaos::work::{SinkFile, toilsome};
use workflow_engine::ports::{Clock, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::{EngineBuilder, Error};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [database, sink, log] = <[String; 3]>::try_from(std::env::args().skip(1).collect::<Vec<_>>())
        .map_err(|_| "three arguments")?;
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(log)).init();
    let builder = open(&database).await?.register::<toilsome>().lease(LEASE).concurrency(16);
    let engine = builder.event_sink(SinkFile(sink.into())).drain_on_signals().build().await?;
    engine.stopped().await;
    Ok(())
}

/// Opens the database, when it is there again: a worker that is started may find it away.
async fn open(database: &str) -> Result<EngineBuilder, Error> {
    loop {
        match Engine::open(database).await {
            Err(error) if error.is_retryable() => SystemClock.sleep(Duration::from_millis(100)).await,
            opened => return opened,
        }
    }
}
