//! A diamond workflow whose bodies append a line to a file.

use std::path::Path;

use workflow_engine::prelude::*;

use crate::execution_log;

/// The first stage.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn first(ledger: String, number: u64, ctx: &StageContext) -> StageResult<(String, u64)> {
    note(&ledger, ctx)?;
    Ok((ledger, number))
}

/// The left branch.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn left(upstream: (String, u64), ctx: &StageContext) -> StageResult<u64> {
    note(&upstream.0, ctx)?;
    Ok(upstream.1 * 2)
}

/// The right branch.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn right(upstream: (String, u64), ctx: &StageContext) -> StageResult<u64> {
    note(&upstream.0, ctx)?;
    Ok(upstream.1 + 1)
}

/// The join.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn last(
    left: u64,
    right: u64,
    #[require(first)] upstream: &(String, u64),
    ctx: &StageContext,
) -> StageResult<u64> {
    note(&upstream.0, ctx)?;
    Ok(left + right)
}

workflow! {
    /// `first >> [left, right] >> last`. Its output for `number` is `3 * number + 1`.
    pub diamond = first >> [left, right] >> last
}

/// Appends a line to the file, and prints it on the standard output, which shows a watching test the progress of the
/// process.
fn note(path: &str, ctx: &StageContext) -> StageResult<()> {
    let line = format!("{} {} {}", ctx.run_id(), ctx.stage_id(), ctx.attempt());
    execution_log::append(Path::new(path), &line)?;
    println!("{line}");
    Ok(())
}
