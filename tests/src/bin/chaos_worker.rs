//! A worker for the test of chaos: `chaos_worker <database> <file of the sink> <file of the log>`.

use std::fs::OpenOptions;
use std::sync::Mutex;

use tests::chaos::LEASE;
use tests::chaos::work::{SinkFile, toilsome};
use workflow_engine::prelude::*;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [database, sink, log] = <[String; 3]>::try_from(std::env::args().skip(1).collect::<Vec<_>>())
        .map_err(|_| "three arguments")?;
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(log)).init();
    let builder = Engine::open(&database).await?.register::<toilsome>().lease(LEASE).concurrency(16);
    let engine = builder.event_sink(SinkFile(sink.into())).drain_on_signals().build().await?;
    engine.stopped().await;
    Ok(())
}
