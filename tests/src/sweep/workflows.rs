//! A chain, a diamond, and one that waits. Every body leaves a line in the ledger.

use std::path::Path;

use workflow_engine::prelude::*;

use super::points;
use crate::execution_log;

/// The ledger, and a number. Its text is longer than what is stored inline.
type Parcel = (String, u64);

fn note(ledger: &str, ctx: &StageContext) -> StageResult<()> {
    let line = format!("{} {} {}", ctx.run_id(), ctx.stage_id(), ctx.attempt());
    Ok(execution_log::append(Path::new(ledger), &line)?)
}

/// Begins.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn first(ledger: String, number: u64, ctx: &StageContext) -> StageResult<Parcel> {
    note(&ledger, ctx)?;
    ctx.log(workflow_engine::LogLevel::Info, "begun", ());
    ctx.progress(0.5, "half");
    Ok((ledger, number))
}

/// Takes so long that its lease is renewed, and looked at by whoever looks for lost ones.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn long(given: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&given.0, ctx)?;
    points::reached(&[
        "store.renew_leases: before",
        "store.stale_jobs: before",
        "store.next_lease_end: before",
    ])
    .await;
    Ok((given.0, given.1 + 1))
}

/// Doubles.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn left(given: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&given.0, ctx)?;
    Ok((given.0, given.1 * 2))
}

/// Adds one.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn right(given: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&given.0, ctx)?;
    Ok((given.0, given.1 + 1))
}

/// Asks somebody to add one, and waits.
#[stage(check = answered, poll_every = "2s", give_up_after = "1h",
    retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn asked(given: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&given.0, ctx)?;
    Ok(given)
}

/// The answer is there.
#[check]
pub async fn answered(ticket: &Parcel) -> StageResult<Check<Parcel>> {
    Ok(Check::Ready((ticket.0.clone(), ticket.1 + 1)))
}

/// Joins.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn last(one: Parcel, other: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&one.0, ctx)?;
    Ok((one.0, one.1 + other.1))
}

workflow! {
    /// For `number` it delivers `2 * number + 2`.
    pub chain = first >> long >> left
}
workflow! {
    /// For `number` it delivers `3 * number + 1`.
    pub diamond = first >> [left, right] >> last
}
workflow! {
    /// For `number` it delivers `3 * number + 1`.
    pub waiting = first >> [asked, left] >> last
}
