//! A chain, a diamond, a workflow that waits, one with a choice, one that catches a failure, one whose step is a workflow,
//! and one with statements on a table of its own. Every body appends a line to the ledger.

use std::path::Path;

use workflow_engine::Statement;
use workflow_engine::prelude::*;

use super::{outage, points};
use crate::{execution_log, signal};

/// The ledger's path and a number. Its JSON is longer than the limit of inline values.
pub type Parcel = (String, u64);

/// Appends a line to the ledger. While the store is out of reach, the body lasts until it is stopped.
async fn note(ledger: &str, ctx: &StageContext) -> StageResult<()> {
    let line = format!("{} {} {}", ctx.run_id(), ctx.stage_id(), ctx.attempt());
    execution_log::append(Path::new(ledger), &line)?;
    outage::last_as_long().await;
    Ok(())
}

/// The first stage.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn first(ledger: String, number: u64, ctx: &StageContext) -> StageResult<Parcel> {
    note(&ledger, ctx).await?;
    ctx.log(workflow_engine::LogLevel::Info, "begun", ());
    ctx.progress(0.5, "half");
    Ok((ledger, number))
}

/// Runs until its lease was renewed, and checked by the reaper.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn long(parcel: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    points::reached(&[
        "store.renew_leases: before",
        "store.stale_jobs: before",
        "store.next_lease_end: before",
    ])
    .await;
    Ok((parcel.0, parcel.1 + 1))
}

/// Doubles.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn left(parcel: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    Ok((parcel.0, parcel.1 * 2))
}

/// Adds one.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn right(parcel: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    Ok((parcel.0, parcel.1 + 1))
}

/// Requests an addition from a remote service, and waits.
#[stage(check = response, poll_every = "2s", give_up_after = "1h",
    retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn request(parcel: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    Ok(parcel)
}

/// Finds that the response has arrived.
#[check]
pub async fn response(ticket: &Parcel) -> StageResult<Check<Parcel>> {
    Ok(Check::Ready((ticket.0.clone(), ticket.1 + 1)))
}

/// Joins both branches.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn last(one: Parcel, other: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&one.0, ctx).await?;
    Ok((one.0, one.1 + other.1))
}

/// Ends an arm or none.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn close(parcel: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    Ok(parcel)
}

/// The name of the table of the bookings, which has the columns run and stage, and no key that would hide a duplicate.
pub struct Bookings(pub String);

/// Adds a booking to the transaction of the stage.
fn book(bookings: &Bookings, ctx: &StageContext) -> StageResult<()> {
    let insert = Statement::new(format!("INSERT INTO {} (run, stage) VALUES ($1, $2)", bookings.0));
    ctx.transaction().execute(insert.bind(ctx.run_id().to_string()).bind(ctx.stage_id()))?;
    Ok(())
}

/// Books, and adds one.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn debit(parcel: Parcel, #[state] bookings: &Bookings, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    book(bookings, ctx)?;
    Ok((parcel.0, parcel.1 + 1))
}

/// Books, and adds one.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn credit(parcel: Parcel, #[state] bookings: &Bookings, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    book(bookings, ctx)?;
    Ok((parcel.0, parcel.1 + 1))
}

/// Refuses odd numbers for good.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn even(parcel: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    if parcel.1 % 2 == 1 {
        return Err(StageError::permanent("the number is odd"));
    }
    Ok(parcel)
}

/// Adds one to the number that was refused.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn rescue(
    failure: StageFailure,
    #[require(first)] parcel: &Parcel,
    ctx: &StageContext,
) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    if failure.message != "the number is odd" {
        return Err(StageError::permanent(failure.message));
    }
    Ok((parcel.0.clone(), parcel.1 + 1))
}

/// Waits for a signal.
#[stage(signal = Parcel, give_up_after = "1h",
    retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn ask(parcel: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    Ok(parcel)
}

/// Returns what the first stage has returned, and has checked that the signal agrees with it.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn confirm(
    signal: Parcel,
    #[require(first)] parcel: &Parcel,
    ctx: &StageContext,
) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    if signal != *parcel {
        return Err(StageError::permanent("the signal is another one"));
    }
    Ok(signal)
}

/// The name under which the sender of early signals reports that it has sent them.
pub const SENT: &str = "sent";

/// Waits in this process until the signals were sent that come before the next stage waits. For an odd number, none come.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn hear(parcel: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    if parcel.1.is_multiple_of(2) {
        signal::wait(ctx.run_id(), SENT).await;
        // For another attempt.
        signal::give(ctx.run_id(), SENT);
    }
    Ok(parcel)
}

/// Waits for a signal for a short time.
#[stage(signal = Parcel, give_up_after = "100ms",
    retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn expire(parcel: Parcel, ctx: &StageContext) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    Ok(parcel)
}

/// Adds one where no signal has come.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn late(
    failure: StageFailure,
    #[require(first)] parcel: &Parcel,
    ctx: &StageContext,
) -> StageResult<Parcel> {
    note(&parcel.0, ctx).await?;
    if failure.code != "WAIT_TIMED_OUT" {
        return Err(StageError::permanent(failure.message));
    }
    Ok((parcel.0.clone(), parcel.1 + 1))
}

/// Never ends in a child.
#[stage(retry(max_attempts = 1))]
pub async fn hold(ledger: String, number: u64, ctx: &StageContext) -> StageResult<Parcel> {
    note(&ledger, ctx).await?;
    if points::are_watched() {
        std::future::pending::<()>().await;
    }
    Ok((ledger, number))
}

workflow! {
    /// One stage, whose output is `number`. A killed child leaves many of them behind.
    pub held = hold
}
workflow! {
    /// For `number` the output is `2 * number`.
    pub short = first >> left
}
workflow! {
    /// For an even `number` the output is `2 * number`, for an odd one `number + 1`.
    pub catching = first >> match catch(even) {
        Ok(parcel) => left,
        Err(failure) => rescue,
    } >> close
}
workflow! {
    /// For `number` the output is `number + 2`.
    pub booking = first >> debit >> credit
}
workflow! {
    /// For an even `number` the output is `2 * number`, for an odd one `number + 1`.
    pub choosing = match first {
        parcel if parcel.1 % 2 == 0 => left,
        parcel => right,
    } >> close
}
workflow! {
    /// For `number` the output is `number`.
    pub asking = first >> ask >> confirm
}
workflow! {
    /// With a signal the output is `2 * number`, without one `number + 1`.
    pub expiring = first >> hear >> match catch(expire) {
        Ok(parcel) => left,
        Err(failure) => late,
    } >> close
}
workflow! {
    /// For `number` the output is `2 * number`.
    pub later = first >> delay("100ms") >> left
}
workflow! {
    /// For `number` the output is `2 * number + 2`.
    pub chain = first >> long >> left
}
workflow! {
    /// For `number` the output is `3 * number + 1`.
    pub diamond = first >> [left, right] >> last
}
workflow! {
    /// For `number` the output is `2 * number`, from a child.
    pub doubling = left
}
workflow! {
    /// For `number` the output is `2 * number`.
    pub nesting = first >> doubling >> close
}
workflow! {
    /// For `number` the output is `3 * number + 1`.
    pub waiting = first >> [request, left] >> last
}
