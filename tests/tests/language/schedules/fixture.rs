//! The workflow and the helpers that the tests share.

use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use tests::world::World;
use workflow_engine::kernel::{TickSchedules, TickSchedulesOutput};
use workflow_engine::prelude::*;
use workflow_engine::records::RunRecord;
use workflow_engine::{RunFilter, Schedule};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

#[stage]
pub(crate) async fn report(region: String, ctx: &StageContext) -> StageResult<String> {
    let tick = ctx.scheduled_for().map(|tick| tick.to_rfc3339());
    Ok(format!("{region} {}", tick.unwrap_or_default()))
}

workflow! { pub(crate) Reports = report }

pub(crate) fn input(region: &str) -> ReportInput {
    ReportInput { region: region.into() }
}

/// Returns a schedule that ticks each day at 02:00 in Berlin. The tests begin on the first of January 2026, so this is 01:00
/// in UTC.
pub(crate) fn nightly() -> Schedule {
    let cron = Schedule::cron("nightly", "0 2 * * *").zone("Europe/Berlin");
    cron.start::<Reports>(input("north")).unwrap()
}

/// Returns the instant of the tick of a day in January.
pub(crate) fn night(day: u32) -> DateTime<Utc> {
    format!("2026-01-{day:02}T01:00:00Z").parse().unwrap()
}

/// Makes an engine whose schedules only tick when the test says so, and whose runs stay open until it ends them.
pub(crate) async fn idle_engine(world: &World) -> Engine {
    world.engine().register::<Reports>().without_worker().build().await.unwrap()
}

/// Handles due ticks once.
pub(crate) async fn tick(engine: &Engine) -> TickSchedulesOutput {
    engine.dispatch(TickSchedules::default()).await.unwrap()
}

/// Handles due ticks until none is left, and returns the number of started runs.
pub(crate) async fn tick_all(engine: &Engine) -> usize {
    let mut started = 0;
    loop {
        let ticked = tick(engine).await;
        started += ticked.started;
        if ticked == TickSchedulesOutput::default() {
            return started;
        }
    }
}

/// Returns the runs of a schedule, the oldest first.
pub(crate) async fn runs_of(engine: &Engine, id: &str) -> Vec<RunRecord> {
    let filter = RunFilter::new().tag("schedule", id);
    let mut runs: Vec<_> = engine.runs(&filter).stream().try_collect().await.unwrap();
    runs.reverse();
    runs
}

/// Returns the ticks of the runs of a schedule, the oldest run first.
pub(crate) async fn ticks_of(world: &World, engine: &Engine, id: &str) -> Vec<DateTime<Utc>> {
    let mut ticks = Vec::new();
    for run in runs_of(engine, id).await {
        let request = world.store.request(run.id).await.unwrap().expect("the run has a request");
        let metadata: serde_json::Value = request.metadata.expect("it has a tick").decode().unwrap();
        assert_eq!(metadata["schedule"]["id"], id);
        ticks.push(metadata["schedule"]["scheduled_for"].as_str().unwrap().parse().unwrap());
    }
    ticks
}

/// Waits until a schedule is as the test expects. Each move of a schedule is a hint.
pub(crate) async fn wait_until(world: &World, id: &str, is_met: impl Fn(&ScheduleView) -> bool) {
    let mut moves = world.store.hints().watch_timers();
    loop {
        moves.mark_unchanged();
        let record = world.store.schedule(id).await.unwrap().expect("the schedule exists");
        if is_met(&record) {
            return;
        }
        moves.changed().await.unwrap();
    }
}

pub(crate) type ScheduleView = workflow_engine::records::ScheduleRecord;
