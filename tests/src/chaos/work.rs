//! A diamond whose bodies take a while and leave lines in a ledger, and a sink that writes down what it is given.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use workflow_engine::ports::{Clock, DeliveryError, EventSink, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::Event;

use crate::execution_log;

/// So long a body takes: long enough to be hit, short enough for thousands.
const TOIL: Duration = Duration::from_millis(20);

/// Begins.
#[stage(retry(max_attempts = 1_000, initial = "1ms", max = "1ms"))]
pub async fn begin(ledger: String, number: u64, ctx: &StageContext) -> StageResult<(String, u64)> {
    toil(&ledger, ctx).await?;
    Ok((ledger, number))
}

/// Goes left.
#[stage(retry(max_attempts = 1_000, initial = "1ms", max = "1ms"))]
pub async fn left(given: (String, u64), ctx: &StageContext) -> StageResult<u64> {
    toil(&given.0, ctx).await?;
    Ok(given.1 * 2)
}

/// Goes right.
#[stage(retry(max_attempts = 1_000, initial = "1ms", max = "1ms"))]
pub async fn right(given: (String, u64), ctx: &StageContext) -> StageResult<u64> {
    toil(&given.0, ctx).await?;
    Ok(given.1 + 1)
}

/// Joins.
#[stage(retry(max_attempts = 1_000, initial = "1ms", max = "1ms"))]
pub async fn join(
    left: u64,
    right: u64,
    #[require(begin)] given: &(String, u64),
    ctx: &StageContext,
) -> StageResult<u64> {
    toil(&given.0, ctx).await?;
    Ok(left + right)
}

workflow! {
    /// For `number` it delivers `3 * number + 1`.
    pub toilsome = begin >> [left, right] >> join
}

async fn toil(path: &str, ctx: &StageContext) -> StageResult<()> {
    execution_log::append(
        Path::new(path),
        &format!("{} {} {}", ctx.run_id(), ctx.stage_id(), ctx.attempt()),
    )?;
    SystemClock.sleep(TOIL).await;
    Ok(())
}

/// Writes a line for each event: its run, its number, its name.
pub struct SinkFile(pub PathBuf);

#[async_trait]
impl EventSink for SinkFile {
    async fn deliver(&self, event: &Event) -> Result<(), DeliveryError> {
        let line = format!("{} {} {}", event.run_id, event.sequence, event.kind.name());
        Ok(execution_log::append(&self.0, &line)?)
    }
}
