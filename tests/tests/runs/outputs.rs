//! A program that waits for the output of a run: what the engine reads for it, and that it misses no end.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::world::World;
use tests::{on_every_store, signal};
use tokio::task::JoinHandle;
use workflow_engine::prelude::*;
use workflow_engine::{Engine, EngineBuilder, Error};

/// What a caller may read to have an output.
const READS: [&str; 4] = ["run", "request", "stages", "stage"];

/// Lists such reads.
#[derive(Default)]
struct Reads(Mutex<Vec<&'static str>>);

#[async_trait]
impl Interceptor for Reads {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        if READS.contains(&call.method) {
            self.0.lock().unwrap().push(call.method);
        }
        Ok(0)
    }
}

impl Reads {
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Waits for the signal `end`.
#[stage]
async fn hold(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "started");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number + 1)
}

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { holding = hold >> double }

async fn engine(world: &World, reads: &Arc<Reads>) -> Engine {
    let store = Intercepted::new(Arc::clone(&world.store), Arc::clone(reads));
    let builder = EngineBuilder::with_store(Arc::new(store), Arc::new(world.clock.clone()));
    builder.register::<holding>().build().await.unwrap()
}

/// Waits for the output in a task, and returns it when the task waits.
async fn awaited(world: &World, run: &RunHandle<holding>) -> JoinHandle<Result<u32, Error>> {
    let task = tokio::spawn({
        let run = run.clone();
        async move { run.output().await }
    });
    while !world.store.hints().is_watched(run.id()) {
        tokio::task::yield_now().await;
    }
    task
}

async fn a_caller_that_starts_a_run_reads_nothing_for_its_output(world: World) {
    let reads = Arc::new(Reads::default());
    let engine = engine(&world, &reads).await;
    let external = world.store.hints().watch_external();
    loop {
        let before = *external.borrow();
        let run = engine.start::<holding>(HoldInput { number: 20 }).await.unwrap();
        let output = awaited(&world, &run).await;
        signal::give(run.id(), "end");
        assert_eq!(output.await.unwrap().unwrap(), 42);
        let read = reads.take();
        // A store on PostgreSQL polls for commits of others every few seconds, and they may have ended the run.
        if *external.borrow() == before {
            assert_eq!(read, [""; 0]);
            break;
        }
    }
    engine.shutdown().await;
}

async fn a_caller_that_finds_a_run_reads_it(world: World) {
    let reads = Arc::new(Reads::default());
    let engine = engine(&world, &reads).await;
    let started = engine.start::<holding>(HoldInput { number: 20 }).await.unwrap();
    let found = engine.run_handle::<holding>(started.id()).await.unwrap();
    reads.take();
    let output = awaited(&world, &found).await;
    signal::wait(started.id(), "started").await;
    signal::give(started.id(), "end");
    assert_eq!(output.await.unwrap().unwrap(), 42);
    assert_eq!(reads.take().first(), Some(&"run"));
    engine.shutdown().await;
}

async fn an_end_before_the_wait_is_read(world: World) {
    let reads = Arc::new(Reads::default());
    let engine = engine(&world, &reads).await;
    let run = engine.start::<holding>(HoldInput { number: 20 }).await.unwrap();
    signal::give(run.id(), "end");
    let found = engine.run_handle::<holding>(run.id()).await.unwrap();
    assert_eq!(found.output().await.unwrap(), 42);
    reads.take();
    assert_eq!(run.output().await.unwrap(), 42);
    assert_eq!(reads.take(), ["run"]);
    engine.shutdown().await;
}

async fn after_a_rerun_the_end_of_the_new_generation_is_awaited(world: World) {
    let engine = engine(&world, &Arc::default()).await;
    let run = engine.start::<holding>(HoldInput { number: 20 }).await.unwrap();
    signal::give(run.id(), "end");
    assert_eq!(run.output().await.unwrap(), 42);
    run.rerun_from::<double>().await.unwrap();
    assert_eq!(run.wait().await.unwrap().generation, 2);
    engine.shutdown().await;
}

async fn a_commit_of_another_process_makes_a_waiting_caller_read_the_run(world: World) {
    let reads = Arc::new(Reads::default());
    let engine = engine(&world, &reads).await;
    let run = engine.start::<holding>(HoldInput { number: 20 }).await.unwrap();
    let output = awaited(&world, &run).await;
    world.store.hints().all_runs_changed();
    while !reads.take().contains(&"run") {
        tokio::task::yield_now().await;
    }
    signal::give(run.id(), "end");
    assert_eq!(output.await.unwrap().unwrap(), 42);
    engine.shutdown().await;
}

on_every_store! {
    a_caller_that_starts_a_run_reads_nothing_for_its_output,
    a_caller_that_finds_a_run_reads_it,
    an_end_before_the_wait_is_read,
    after_a_rerun_the_end_of_the_new_generation_is_awaited,
    a_commit_of_another_process_makes_a_waiting_caller_read_the_run,
}
