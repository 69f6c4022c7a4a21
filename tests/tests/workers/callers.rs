//! Callers that stop waiting: the engine finishes their requests.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::world::World;
use tests::{on_every_store, signal};
use tokio::sync::Notify;
use workflow_engine::kernel::{ExecuteJob, TransitionRun};
use workflow_engine::ports::Store;
use workflow_engine::prelude::*;
use workflow_engine::{EngineBuilder, Error, ErrorCode};

/// Only one attempt: an attempt that is lost fails the run.
#[stage(retry(max_attempts = 1))]
async fn count(number: u32) -> StageResult<u32> {
    Ok(number + 1)
}

workflow! { counting = count }

/// Waits until it is stopped.
#[stage(retry(max_attempts = 1))]
async fn patient(number: u32, ctx: &StageContext) -> StageResult<u32> {
    let (run, token) = (ctx.run_id(), ctx.cancellation().clone());
    tokio::spawn(async move {
        token.cancelled().await;
        signal::give(run, "stopped");
    });
    signal::give(run, "started");
    signal::wait(run, "end").await;
    Ok(number)
}

workflow! { patience = patient }

/// Holds back writes of one method before or after the store executes them.
#[derive(Default)]
struct Gate {
    method: std::sync::Mutex<Option<(&'static str, bool)>>,
    /// The number of commits in progress.
    in_progress: AtomicIsize,
    reached: Notify,
    open: Notify,
}

impl Gate {
    /// Holds back the next call of `method`, before or after the store executes it. Commits whose effects the test has
    /// seen may still be in progress; none of them is held.
    async fn close(&self, method: &'static str, before: bool) {
        while self.in_progress.load(Ordering::Acquire) > 0 {
            tokio::task::yield_now().await;
        }
        *self.method.lock().unwrap() = Some((method, before));
    }

    fn count(&self, method: &'static str, change: isize) {
        if method == "commit" {
            self.in_progress.fetch_add(change, Ordering::AcqRel);
        }
    }

    async fn pass(&self, method: &'static str, before: bool) {
        let is_held = {
            let mut held = self.method.lock().unwrap();
            if *held == Some((method, before)) { held.take().is_some() } else { false }
        };
        if is_held {
            self.reached.notify_one();
            self.open.notified().await;
        }
    }
}

#[async_trait]
impl Interceptor for Gate {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        self.count(call.method, 1);
        self.pass(call.method, true).await;
        Ok(0)
    }

    async fn after(&self, call: Call, _: u64) -> Result<(), Error> {
        self.pass(call.method, false).await;
        self.count(call.method, -1);
        Ok(())
    }
}

fn gated(world: &World) -> (EngineBuilder, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let store: Arc<dyn Store> = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&gate)));
    (EngineBuilder::with_store(store, Arc::new(world.clock.clone())), gate)
}

/// Polls a call until it waits in the store at the closed gate, and drops it there.
async fn abandon<T>(call: impl Future<Output = T>, gate: &Gate) {
    tokio::select! {
        biased;
        _ = call => panic!("the call waits in the store"),
        () = gate.reached.notified() => {}
    }
}

async fn a_start_whose_caller_stops_waiting_is_executed(world: World) {
    let (builder, gate) = gated(&world);
    let engine = builder.register::<counting>().build().await.unwrap();
    for (number, before) in [(1, true), (2, false)] {
        let key = number.to_string();
        gate.close("commit", before).await;
        let start = || engine.start::<counting>(CountInput { number }).idempotency_key(&key);
        abandon(start().into_future(), &gate).await;
        gate.open.notify_one();
        // The clock does not move, so the run is executed without waiting for any lease.
        assert_eq!(start().await.unwrap().output().await.unwrap(), number + 1);
        let stages = start().await.unwrap().stages().await.unwrap();
        assert_eq!(stages[0].attempt, 1, "before the commit: {before}");
    }
}

async fn starts_that_are_dropped_at_any_moment_are_executed(world: World) {
    let engine = world.engine().register::<counting>().build().await.unwrap();
    for number in 0..100 {
        let key = number.to_string();
        let start = || engine.start::<counting>(CountInput { number }).idempotency_key(&key);
        let mut call = start().into_future();
        for _ in 0..number % 10 {
            if (&mut call).now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
        assert_eq!(start().await.unwrap().output().await.unwrap(), number + 1);
    }
}

async fn a_cancel_whose_caller_stops_waiting_stops_the_body(world: World) {
    let (builder, gate) = gated(&world);
    let engine = builder.register::<patience>().build().await.unwrap();
    for before in [true, false] {
        let run = engine.start::<patience>(PatientInput { number: 1 }).await.unwrap();
        signal::wait(run.id(), "started").await;
        gate.close("commit", before).await;
        abandon(run.cancel("enough"), &gate).await;
        gate.open.notify_one();
        // The clock does not move, so no heartbeat stops it.
        signal::wait(run.id(), "stopped").await;
        assert!(run.output().await.unwrap_err().is_run_cancelled());
    }
}

async fn a_body_that_begins_after_its_run_was_cancelled_is_stopped_at_once(world: World) {
    let (builder, gate) = gated(&world);
    let engine = builder.register::<patience>().build().await.unwrap();
    gate.close("commit", false).await;
    let starting = tokio::spawn({
        let engine = engine.clone();
        async move { engine.start::<patience>(PatientInput { number: 1 }).await }
    });
    gate.reached.notified().await;
    // The run is committed and claimed, and its worker does not know it yet.
    let run = tests::unfinished::unfinished::<patience>(&engine).await.unwrap().remove(0);
    assert!(run.cancel("at once").await.unwrap());
    gate.open.notify_one();
    starting.await.unwrap().unwrap();
    // A body that begins nevertheless is stopped, although the clock, and so the heartbeat, does not move.
    assert_eq!(engine.drain().await.unreturned, []);
    assert!(run.output().await.unwrap_err().is_run_cancelled());
}

async fn a_job_whose_caller_stops_waiting_returns_to_the_queue(world: World) {
    let engine = world.engine().register::<patience>().without_worker().build().await.unwrap();
    let run = engine.start::<patience>(PatientInput { number: 7 }).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    let execute = || {
        engine.dispatch(ExecuteJob {
            worker_id: "caller".into(),
            run_id: run.id(),
            stage_key: "patient".into(),
            idempotency_key: None,
        })
    };
    tokio::select! {
        biased;
        _ = execute() => panic!("the body waits"),
        () = signal::wait(run.id(), "started") => {}
    }
    while run.stages().await.unwrap()[0].status != Status::Pending {
        tokio::task::yield_now().await;
    }
    assert_eq!(run.stages().await.unwrap()[0].attempt, 0, "the attempt does not count");
    signal::give(run.id(), "end");
    execute().await.unwrap();
    assert_eq!(run.output().await.unwrap(), 7);
}

async fn a_shutdown_whose_caller_stops_waiting_goes_to_its_end(world: World) {
    let engine = world.engine().register::<patience>().drain_timeout(Duration::ZERO).build().await.unwrap();
    let run = engine.start::<patience>(PatientInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    assert!(engine.shutdown().now_or_never().is_none());
    assert_eq!(run.output().await.unwrap_err().code(), ErrorCode::ShuttingDown);
    engine.wait_for_shutdown().await;
    let refused = engine.start::<patience>(PatientInput { number: 2 }).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ShuttingDown);
}

/// Shuts its own engine down.
#[stage(retry(max_attempts = 1))]
async fn suicide(number: u32) -> StageResult<u32> {
    let engine = ENGINE.get().expect("the test sets it");
    engine.shutdown().await;
    Ok(number)
}

workflow! { suicidal = suicide }

static ENGINE: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();

#[tokio::test]
async fn a_stage_can_shut_its_engine_down() {
    let world = World::memory().await;
    let engine = world.engine().register::<suicidal>().drain_timeout(Duration::ZERO).build().await.unwrap();
    ENGINE.set(engine.clone()).unwrap();
    let run = engine.start::<suicidal>(SuicideInput { number: 1 }).await.unwrap();
    assert_eq!(run.output().await.unwrap_err().code(), ErrorCode::ShuttingDown);
    engine.wait_for_shutdown().await;
}

on_every_store!(
    a_start_whose_caller_stops_waiting_is_executed,
    starts_that_are_dropped_at_any_moment_are_executed,
    a_cancel_whose_caller_stops_waiting_stops_the_body,
    a_body_that_begins_after_its_run_was_cancelled_is_stopped_at_once,
    a_job_whose_caller_stops_waiting_returns_to_the_queue,
    a_shutdown_whose_caller_stops_waiting_goes_to_its_end,
);
