//! A diamond whose bodies leave a line in a ledger.

use std::path::Path;

use workflow_engine::prelude::*;

use crate::ledger;

/// Begins.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn first(ledger: String, number: u64, ctx: &StageContext) -> StageResult<(String, u64)> {
    note(&ledger, ctx)?;
    Ok((ledger, number))
}

/// Goes left.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn left(given: (String, u64), ctx: &StageContext) -> StageResult<u64> {
    note(&given.0, ctx)?;
    Ok(given.1 * 2)
}

/// Goes right.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn right(given: (String, u64), ctx: &StageContext) -> StageResult<u64> {
    note(&given.0, ctx)?;
    Ok(given.1 + 1)
}

/// Joins.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn last(
    left: u64,
    right: u64,
    #[require(first)] given: &(String, u64),
    ctx: &StageContext,
) -> StageResult<u64> {
    note(&given.0, ctx)?;
    Ok(left + right)
}

workflow! {
    /// `first >> [left, right] >> last`: for `number` it delivers `3 * number + 1`.
    pub diamond = first >> [left, right] >> last
}

/// One line in the ledger, and one on the standard output, which tells whoever watches the process how far it is.
fn note(path: &str, ctx: &StageContext) -> StageResult<()> {
    let line = format!("{} {} {}", ctx.run_id(), ctx.stage_id(), ctx.attempt());
    ledger::append(Path::new(path), &line)?;
    println!("{line}");
    Ok(())
}
