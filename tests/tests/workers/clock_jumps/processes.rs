//! Processes that share a SQLite file while the clock of their machine jumps.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tests::events::wait_for;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Clock, JobTransport, Persistence, Store};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::stores::{SqliteOptions, SqliteStore};
use workflow_engine::testing::FakeClock;

use super::engines::{OrderInput, printing, until};

const AHEAD: TimeDelta = TimeDelta::hours(1);
const DELAY: Duration = Duration::from_secs(600);

async fn open(file: &Path, clock: &FakeClock) -> Arc<SqliteStore> {
    let mut options = SqliteOptions::new(file.to_str().unwrap());
    options.clock = Arc::new(clock.clone());
    Arc::new(SqliteStore::open(options).await.unwrap())
}

async fn build(store: &Arc<SqliteStore>, clock: &FakeClock) -> Engine {
    let store = Arc::clone(store) as Arc<dyn Store>;
    let engine = EngineBuilder::with_store(store, Arc::new(clock.clone()));
    engine.register::<printing>().build().await.unwrap()
}

#[tokio::test]
async fn a_process_that_starts_after_the_clock_went_back_corrects_what_it_finds() {
    let directory = tempfile::tempdir().unwrap();
    let (file, clock) = (directory.path().join("store.db"), FakeClock::new());
    clock.jump(AHEAD);
    let engine = build(&open(&file, &clock).await, &clock).await;
    let run = engine.start::<printing>(OrderInput { number: 7 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    engine.shutdown().await;
    clock.jump(-AHEAD);

    let (first, second) = (open(&file, &clock).await, open(&file, &clock).await);
    let definitions = [printing::definition().fingerprint().to_owned()];
    let due = || async { second.next_job_due(&definitions).await.unwrap().unwrap() };
    assert_eq!(due().await, clock.now() + AHEAD + DELAY);
    let engine = build(&first, &clock).await;
    until(async || due().await == clock.now() + DELAY).await;
    assert_eq!(second.correct_instants().await.unwrap(), 0);
    assert_eq!(due().await, clock.now() + DELAY);
    engine.shutdown().await;
    second.close().await;
}
