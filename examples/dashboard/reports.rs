//! A wide report, and a film that another machine renders for hours.

use serde_json::json;
use workflow_engine::LogLevel;
use workflow_engine::prelude::*;

use crate::traffic::{number, pause, roll};

workflow! {
    /// Collects the figures of all shops and sends the report.
    pub NightlyReport = open_books
        >> [sales >> [revenue, returns] >> margins, visitors, stock_levels, staff_hours, energy]
        >> send_report;

    /// Renders a film elsewhere, and waits for it.
    pub VideoRendering = prepare_scene >> render >> publish
}

/// Opens the books of a day.
#[stage]
pub async fn open_books(
    /// The day.
    day: chrono_day::Day,
) -> StageResult<u64> {
    Ok(day.0)
}

/// A day without a time, as a number.
pub mod chrono_day {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};

    /// The day's number since 1970.
    #[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
    pub struct Day(pub u64);
}

async fn figures(ctx: &StageContext, name: &str, most: u64) -> u64 {
    for step in 1..=5 {
        ctx.progress(f64::from(step) / 5.0, name);
        ctx.log(LogLevel::Debug, "read a part", json!({ "part": step, "of": 5 }));
        pause(150, 900).await;
    }
    number(most)
}

/// Adds up the sales.
#[stage]
pub async fn sales(day: u64, ctx: &StageContext) -> StageResult<u64> {
    Ok(figures(ctx, "reading receipts", 90_000).await + day)
}

/// Computes the revenue.
#[stage]
pub async fn revenue(sales: u64) -> StageResult<u64> {
    pause(200, 700).await;
    Ok(sales * 9)
}

/// Counts what came back.
#[stage]
pub async fn returns(sales: u64) -> StageResult<u64> {
    pause(200, 700).await;
    Ok(sales / 40)
}

/// Computes the margins.
#[stage]
pub async fn margins(revenue: u64, returns: u64) -> StageResult<u64> {
    Ok(revenue.saturating_sub(returns) / 100)
}

/// Counts the visitors.
#[stage]
pub async fn visitors(day: u64, ctx: &StageContext) -> StageResult<u64> {
    Ok(figures(ctx, "reading door counters", 5_000).await + day % 7)
}

/// Reads the stock.
#[stage(retry(max_attempts = 3, initial = "2s"))]
pub async fn stock_levels(day: u64, ctx: &StageContext) -> StageResult<u64> {
    if roll(3) {
        ctx.log(LogLevel::Warn, "the warehouse is slow", json!({ "day": day }));
        return Err(StageError::retryable("the warehouse closed the connection"));
    }
    Ok(figures(ctx, "reading shelves", 70_000).await)
}

/// Adds up the hours of the staff.
#[stage]
pub async fn staff_hours(day: u64, ctx: &StageContext) -> StageResult<u64> {
    Ok(figures(ctx, "reading timesheets", 900).await + day % 5)
}

/// Reads the meters.
#[stage]
pub async fn energy(day: u64) -> StageResult<u64> {
    if roll(9) {
        return Err(StageError::permanent(format!("the meter of day {day} has no reading")));
    }
    Ok(number(4_000))
}

/// Sends the report.
#[stage]
pub async fn send_report(
    margins: u64,
    visitors: u64,
    stock: u64,
    staff: u64,
    energy: u64,
) -> StageResult<String> {
    Ok(format!("margin {margins}, {visitors} visitors, {stock} articles, {staff} hours, {energy} kWh"))
}

/// Prepares the scene.
#[stage]
pub async fn prepare_scene(scene: String) -> StageResult<String> {
    pause(200, 600).await;
    Ok(scene)
}

/// Submits the scene to the render farm. Its ticket is the number of the job.
#[stage(check = rendered, poll_every = "10m", give_up_after = "12h")]
pub async fn render(scene: String) -> StageResult<u64> {
    Ok(10_000 + scene.len() as u64)
}

#[check]
pub async fn rendered(job: &u64) -> StageResult<Check<String>> {
    if roll(3) { Ok(Check::Ready(format!("film {job}"))) } else { Ok(Check::Pending) }
}

/// Publishes the film.
#[stage]
pub async fn publish(film: String) -> StageResult<String> {
    Ok(format!("{film} is online"))
}
