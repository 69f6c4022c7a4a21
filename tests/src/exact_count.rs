//! Counts of runs.

use workflow_engine::prelude::*;
use workflow_engine::{Error, RunFilter};

/// Counts the runs that match, at most `cap`. There must not be more. [`Engine::count_runs`] ends after 40 ms in real time,
/// which a busy machine may exceed for a single run, so this repeats it until the count is exact.
///
/// # Errors
/// When the store cannot be read.
pub async fn exact_count(engine: &Engine, filter: &RunFilter, cap: u64) -> Result<u64, Error> {
    loop {
        let counted = engine.count_runs(filter, cap).await?;
        if counted.is_exact {
            return Ok(counted.count);
        }
        assert!(counted.count < cap, "{counted} runs match");
        tokio::task::yield_now().await;
    }
}
