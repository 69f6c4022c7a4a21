//! The registration of a worker.

use workflow_engine::Error;
use workflow_engine::prelude::*;

/// Waits until a worker is registered, so that its claims carry its number: on a busy machine an engine is built before.
///
/// # Errors
/// When the store cannot be read.
pub async fn wait_until_registered(engine: &Engine) -> Result<(), Error> {
    while engine.workers().await?.is_empty() {
        tokio::task::yield_now().await;
    }
    // The row can be read a moment before the worker has received its number.
    for _ in 0..10 {
        engine.workers().await?;
        tokio::task::yield_now().await;
    }
    Ok(())
}
