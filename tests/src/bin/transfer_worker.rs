//! A process that works until every transfer has finished: `transfer_worker <path>` or `… <url> <schema>`.

use std::sync::Arc;
use std::time::Duration;

use tests::{tables, transfer::transfer};
use workflow_engine::EngineBuilder;
use workflow_engine::ports::SystemClock;

#[tokio::main]
async fn main() -> Result<(), workflow_engine::Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let engine = EngineBuilder::with_store(tables::open(&arguments).await, Arc::new(SystemClock))
        .register::<transfer>()
        .concurrency(4)
        .lease(Duration::from_secs(2))
        .build()
        .await?;
    for run in tests::unfinished::unfinished::<transfer>(&engine).await? {
        run.output().await?;
    }
    engine.shutdown().await;
    Ok(())
}
