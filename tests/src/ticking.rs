//! A schedule with missed ticks, and the workflow that it starts.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use workflow_engine::ports::{Clock, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::{CatchUp, Overlap};
use workflow_engine::testing::FakeClock;
use workflow_engine::{EngineBuilder, Schedule};

use crate::tables::Tables;

/// The id of the schedule.
pub const SCHEDULE: &str = "daily";

/// Returns the tick of its run.
#[stage(retry(max_attempts = 100, max_crashes = 100, initial = "1ms", max = "1ms"))]
pub async fn record(region: String, ctx: &StageContext) -> StageResult<String> {
    let tick = ctx.scheduled_for().map(shown).unwrap_or_default();
    Ok(format!("{region} {tick}"))
}

workflow! {
    /// One stage, whose output names the tick of its run.
    pub Ticked = record
}

/// Puts a schedule on a database that has missed this many ticks by now, each of which shall start a run, and returns the
/// instants of its ticks, the oldest first: one a day.
///
/// # Panics
/// When the database is not available.
pub async fn put_with_missed_ticks(tables: &Tables, missed: u32) -> impl Iterator<Item = DateTime<Utc>> {
    let day = TimeDelta::days(1);
    let began = SystemClock.now() - day * i32::try_from(missed).expect("a few thousand");
    let schedule = Schedule::every(SCHEDULE, Duration::from_hours(24));
    let schedule = schedule.start::<Ticked>(RecordInput { region: "north".into() }).expect("it fits");
    let schedule = schedule.overlap(Overlap::Parallel).catch_up(CatchUp::All { at_most: missed });
    let clock = Arc::new(FakeClock::at(began));
    let builder = EngineBuilder::with_store(tables.store_at(clock.clone()).await, clock);
    let engine = builder.register::<Ticked>().without_worker().build().await.expect("it is available");
    engine.schedules().put(schedule).await.expect("it is valid");
    let next = engine.schedules().get(SCHEDULE).await.expect("it exists").next[0];
    engine.shutdown().await;
    (0..).map(move |number| next + day * number)
}

/// Returns the instant of a tick as the engine writes it.
pub fn shown(tick: DateTime<Utc>) -> String {
    tick.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
