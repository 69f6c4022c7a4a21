//! A worker that handles the ticks of schedules until it is terminated: `ticking_worker <path>` or `… <url> <schema>`.

use std::sync::Arc;
use std::time::Duration;

use tests::{tables, ticking::Ticked};
use workflow_engine::EngineBuilder;
use workflow_engine::ports::SystemClock;

#[tokio::main]
async fn main() -> Result<(), workflow_engine::Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let engine = EngineBuilder::with_store(tables::open(&arguments).await, Arc::new(SystemClock))
        .register::<Ticked>()
        .concurrency(4)
        .lease(Duration::from_secs(2))
        .shutdown_on_signals()
        .build()
        .await?;
    engine.wait_for_shutdown().await;
    Ok(())
}
