//! The cost of a tick, beside that of a start of the same run.

use std::sync::Arc;
use std::time::Duration;

use workflow_engine::kernel::TickSchedules;
use workflow_engine::ports::Store;
use workflow_engine::prelude::*;
use workflow_engine::records::{CatchUp, Overlap};
use workflow_engine::testing::FakeClock;
use workflow_engine::{EngineBuilder, Schedule};

use super::{Cost, FirstInput, RUNS, plain};

const MINUTE: Duration = Duration::from_secs(60);

/// Makes an engine without a worker, and puts a schedule that is due `missed` times.
pub async fn engine(store: Arc<dyn Store>, clock: &FakeClock, missed: u64) -> Engine {
    let builder = EngineBuilder::with_store(store, Arc::new(clock.clone())).register::<plain>();
    let engine = builder.without_worker().build().await.unwrap();
    let missed = u32::try_from(missed).unwrap();
    let schedule = Schedule::every("minutely", MINUTE).start::<plain>(FirstInput { number: 7 }).unwrap();
    let schedule = schedule.overlap(Overlap::Parallel).catch_up(CatchUp::All { at_most: missed });
    engine.schedules().put(schedule).await.unwrap();
    clock.advance(missed * MINUTE);
    engine
}

/// Starts runs like those of ticks: with a key, a tag and metadata.
pub async fn start(engine: &Engine, runs: std::ops::Range<u64>) {
    for number in runs {
        let key = format!("start:minutely:{number}");
        let metadata = serde_json::json!({ "schedule": { "id": "minutely", "scheduled_for": number } });
        let start = engine.start::<plain>(FirstInput { number: 7 }).idempotency_key(key);
        start.tag("source", "minutely").metadata(metadata).await.unwrap();
    }
}

/// Handles ticks.
pub async fn tick(engine: &Engine, ticks: u64) {
    for _ in 0..ticks {
        assert_eq!(engine.dispatch(TickSchedules::default()).await.unwrap().started, 1);
    }
}

/// Compares the cost of ticks with that of as many starts: a tick is one commit, which writes the schedule beside the run.
pub fn check(starts: Cost, ticks: Cost, statements: u64) {
    println!("starts: {starts}\nticks: {ticks}");
    assert_eq!(ticks.transactions, starts.transactions, "{ticks} instead of {starts}");
    assert_eq!(ticks.requests, starts.requests, "{ticks} instead of {starts}");
    assert_eq!(ticks.rows, starts.rows + RUNS, "{ticks} instead of {starts}");
    assert!(ticks.statements <= starts.statements + statements * RUNS, "{ticks} instead of {starts}");
}
