//! A diamond whose bodies take a while and append to a ledger, and a sink that appends events to a file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use workflow_engine::ports::{Clock, DeliveryError, EventSink, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::Event;

use crate::execution_log;

/// The duration of a body: long enough to be hit by a fault, short enough for thousands of runs.
const BODY_DURATION: Duration = Duration::from_millis(20);

/// The first stage.
#[stage(retry(max_attempts = 1_000, max_crashes = 1_000, initial = "1ms", max = "1ms"))]
pub async fn begin(ledger: String, number: u64, ctx: &StageContext) -> StageResult<(String, u64)> {
    work(&ledger, ctx).await?;
    Ok((ledger, number))
}

/// The left branch.
#[stage(retry(max_attempts = 1_000, max_crashes = 1_000, initial = "1ms", max = "1ms"))]
pub async fn left(input: (String, u64), ctx: &StageContext) -> StageResult<u64> {
    work(&input.0, ctx).await?;
    Ok(input.1 * 2)
}

/// The right branch.
#[stage(retry(max_attempts = 1_000, max_crashes = 1_000, initial = "1ms", max = "1ms"))]
pub async fn right(input: (String, u64), ctx: &StageContext) -> StageResult<u64> {
    work(&input.0, ctx).await?;
    Ok(input.1 + 1)
}

/// Joins both branches.
#[stage(retry(max_attempts = 1_000, max_crashes = 1_000, initial = "1ms", max = "1ms"))]
pub async fn join(
    left: u64,
    right: u64,
    #[require(begin)] input: &(String, u64),
    ctx: &StageContext,
) -> StageResult<u64> {
    work(&input.0, ctx).await?;
    Ok(left + right)
}

workflow! {
    /// For `number` the output is `3 * number + 1`.
    pub slow_diamond = begin >> [left, right] >> join
}

async fn work(path: &str, ctx: &StageContext) -> StageResult<()> {
    execution_log::append(
        Path::new(path),
        &format!("{} {} {}", ctx.run_id(), ctx.stage_id(), ctx.attempt()),
    )?;
    SystemClock.sleep(BODY_DURATION).await;
    Ok(())
}

/// Appends a line for each event: its run, its sequence and its name.
pub struct SinkFile(pub PathBuf);

#[async_trait]
impl EventSink for SinkFile {
    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError> {
        let line = format!("{} {} {}", event.run_id, event.sequence, event.kind.name());
        Ok(execution_log::append(&self.0, &line)?)
    }
}
