//! A transfer between two accounts, whose bookings are committed with their stages.

use workflow_engine::Statement;
use workflow_engine::prelude::*;

/// Books the amount on the first account.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn debit(bookings: String, cents: i64, ctx: &StageContext) -> StageResult<(String, i64)> {
    book(&bookings, -cents, ctx)?;
    Ok((bookings, cents))
}

/// Books the amount on the second account.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn credit(upstream: (String, i64), ctx: &StageContext) -> StageResult<i64> {
    book(&upstream.0, upstream.1, ctx)?;
    Ok(upstream.1)
}

workflow! {
    /// A transfer. `bookings` is the name of a table with the columns run, stage and cents. The table has no key that
    /// would hide a duplicate booking.
    pub transfer = debit >> credit
}

/// Adds a booking to the transaction, and prints a line on the standard output, which shows a watching test the
/// progress of the process.
fn book(bookings: &str, cents: i64, ctx: &StageContext) -> StageResult<()> {
    println!("{} {} {}", ctx.run_id(), ctx.stage_id(), ctx.attempt());
    ctx.transaction().execute(
        Statement::new(format!("INSERT INTO {bookings} (run, stage, cents) VALUES ($1, $2, $3)"))
            .bind(ctx.run_id().to_string())
            .bind(ctx.stage_id())
            .bind(cents),
    )?;
    Ok(())
}
