//! A worker with a body that never reaches an `.await`: `blocking_worker multi` or `blocking_worker current`.

use std::time::Duration;

use workflow_engine::prelude::*;

/// Prints that it has started, and blocks its thread for ever.
#[stage]
async fn block(number: u32) -> StageResult<u32> {
    println!("started");
    loop {
        std::thread::park();
        if number == u32::MAX {
            return Ok(number);
        }
    }
}

workflow! { blocking = block }

async fn run() -> Result<(), workflow_engine::Error> {
    let engine = Engine::builder("memory:")
        .register::<blocking>()
        .drain_timeout(Duration::from_millis(200))
        .shutdown_on_signals()
        .build()
        .await?;
    engine.start::<blocking>(BlockInput { number: 1 }).await?;
    engine.wait_for_shutdown().await;
    Ok(())
}

fn main() -> Result<(), workflow_engine::Error> {
    let is_multi = std::env::args().nth(1).is_some_and(|flavor| flavor == "multi");
    let mut builder = if is_multi {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    builder.enable_all().build().expect("a runtime").block_on(run())
}
