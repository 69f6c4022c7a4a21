//! A transfer between two accounts, whose bookings are committed with its stages.

use workflow_engine::Statement;
use workflow_engine::prelude::*;

/// Takes it from one account.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn debit(bookings: String, cents: i64, ctx: &StageContext) -> StageResult<(String, i64)> {
    book(&bookings, -cents, ctx)?;
    Ok((bookings, cents))
}

/// Puts it into the other.
#[stage(retry(max_attempts = 100, initial = "1ms", max = "1ms"))]
pub async fn credit(given: (String, i64), ctx: &StageContext) -> StageResult<i64> {
    book(&given.0, given.1, ctx)?;
    Ok(given.1)
}

workflow! {
    /// `bookings` is the name of a table of three columns: run, stage and cents. It has no key that would hide a booking
    /// that is made twice.
    pub transfer = debit >> credit
}

/// One booking, and one line on the standard output, which tells whoever watches the process how far it is.
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
