//! The end of a lease as its worker sees it: a worker that is cut off stops its bodies, and only real losses are reported.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::log_lines::LogLines;
use tests::world::World;
use tests::{on_every_store, signal};
use tokio::sync::Notify;
use workflow_engine::kernel::{CancelRun, ReapStaleLeases};
use workflow_engine::ports::{Change, Clock, Commit, Decision, Store};
use workflow_engine::prelude::*;
use workflow_engine::testing::{FakeClock, unavailable};
use workflow_engine::{EngineBuilder, Error, RunId};

const LEASE: Duration = Duration::from_secs(15);

/// Waits until the test gives the signal `end` or the body is stopped.
#[stage]
async fn waits(number: u32, ctx: &StageContext) -> StageResult<u32> {
    let (run, token) = (ctx.run_id(), ctx.cancellation().clone());
    tokio::spawn(async move {
        token.cancelled().await;
        signal::give(run, "stopped");
    });
    signal::give(run, "started");
    signal::wait(run, "end").await;
    Ok(number + ctx.attempt())
}

workflow! { waiting = waits }

/// The connection of one process to the store.
#[derive(Default)]
struct Connection {
    /// Whether calls fail.
    refuses: AtomicBool,
    /// Whether calls never return.
    hangs: AtomicBool,
    restored: Notify,
}

#[async_trait]
impl Interceptor for Connection {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        if self.hangs.load(Ordering::SeqCst) {
            self.restored.notified().await;
        }
        if self.refuses.load(Ordering::SeqCst) { Err(unavailable(call.method)) } else { Ok(0) }
    }
}

fn engine(world: &World, connection: &Arc<Connection>) -> EngineBuilder {
    let store: Arc<dyn Store> = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(connection)));
    EngineBuilder::with_store(store, Arc::new(world.clock.clone())).register::<waiting>().lease(LEASE)
}

/// Cuts a worker off while its body runs. The body stops at the end of its lease; another worker completes the run.
async fn cut_off(world: World, cut: impl Fn(&Connection, bool)) {
    let connection = Arc::new(Connection::default());
    let worker = engine(&world, &connection).build().await.unwrap();
    let run = worker.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    cut(&connection, true);
    world.clock.advance(LEASE);
    signal::wait(run.id(), "stopped").await;

    let other = world.engine().register::<waiting>().lease(LEASE).without_worker().build().await.unwrap();
    assert_eq!(other.dispatch(ReapStaleLeases::default()).await.unwrap().released, 1);
    let other_worker = world.engine().register::<waiting>().lease(LEASE).build().await.unwrap();
    signal::wait(run.id(), "started").await;
    // The outcome of the first body is dropped, also when its worker is connected again.
    cut(&connection, false);
    connection.restored.notify_waiters();
    signal::give(run.id(), "end");
    let run = other_worker.run_handle::<waiting>(run.id()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 3, "the second attempt completes the stage");
    let names = tests::events::names(&run).await;
    assert_eq!(names.iter().filter(|name| **name == "stage:completed").count(), 1);
}

async fn a_body_stops_at_the_end_of_its_lease_when_the_store_refuses(world: World) {
    cut_off(world, |connection, cut| connection.refuses.store(cut, Ordering::SeqCst)).await;
}

async fn a_body_stops_at_the_end_of_its_lease_when_the_heartbeat_hangs(world: World) {
    cut_off(world, |connection, cut| connection.hangs.store(cut, Ordering::SeqCst)).await;
}

async fn a_renewed_lease_does_not_stop_its_body(world: World) {
    let connection = Arc::new(Connection::default());
    let worker = engine(&world, &connection).build().await.unwrap();
    let run = worker.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    for _ in 0..12 {
        let before = world.store.next_lease_end().await.unwrap();
        world.clock.advance(LEASE / 3);
        while world.store.next_lease_end().await.unwrap() == before {
            tokio::task::yield_now().await;
        }
    }
    signal::give(run.id(), "end");
    assert_eq!(run.output().await.unwrap(), 2, "the first attempt completes the stage");
}

/// Advances the clock by the time that a heartbeat waits after a commit of another process.
async fn let_the_heartbeat_check(clock: &FakeClock) {
    let due = clock.now() + Duration::from_millis(20);
    while clock.next_wake() != Some(due) {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_millis(20));
}

/// Lets the heartbeat check the leases between the commit of a completion and its return.
#[derive(Default)]
struct LateReturn {
    world: Mutex<Option<(FakeClock, Arc<dyn Store>)>>,
    checked: Notify,
}

#[async_trait]
impl Interceptor for LateReturn {
    async fn after(&self, call: Call, _: u64) -> Result<(), Error> {
        if call.method == "lost_leases" {
            self.checked.notify_one();
        }
        Ok(())
    }

    async fn commit(&self, store: &dyn Store, decision: Decision) -> Result<Commit, Error> {
        let completes = decision.changes.iter().any(|change| matches!(change, Change::Complete { .. }));
        let committed = store.commit(decision).await;
        if completes {
            let (clock, store) = self.world.lock().unwrap().clone().expect("set by the test");
            // As a commit of another process does it.
            store.hints().all_runs_changed();
            let_the_heartbeat_check(&clock).await;
            self.checked.notified().await;
        }
        committed
    }
}

/// Returns what the engine has warned of in this run.
fn warnings(log: &LogLines, run_id: RunId) -> Vec<String> {
    let run_id = run_id.to_string();
    log.loud().into_iter().filter(|line| line.contains(&run_id)).collect()
}

async fn a_stage_that_completes_during_a_check_of_the_leases_has_not_lost_its_lease(world: World) {
    let log = LogLines::record().await;
    let late = Arc::new(LateReturn::default());
    *late.world.lock().unwrap() = Some((world.clock.clone(), Arc::clone(&world.store)));
    let store: Arc<dyn Store> = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&late)));
    let builder = EngineBuilder::with_store(store, Arc::new(world.clock.clone()));
    let worker = builder.register::<waiting>().build().await.unwrap();
    let run = worker.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    signal::give(run.id(), "end");
    assert_eq!(run.output().await.unwrap(), 2);
    worker.drain().await;
    assert_eq!(warnings(&log, run.id()), Vec::<String>::new());
}

async fn a_cancelled_run_has_not_lost_its_lease(world: World) {
    let log = LogLines::record().await;
    let worker = world.engine().register::<waiting>().build().await.unwrap();
    let run = worker.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    // Over another engine, as in another process: only the heartbeat notices it here.
    let other = world.engine().register::<waiting>().without_worker().build().await.unwrap();
    other.dispatch(CancelRun { run_id: run.id(), reason: None }).await.unwrap();
    world.store.hints().all_runs_changed();
    let_the_heartbeat_check(&world.clock).await;
    signal::wait(run.id(), "stopped").await;
    worker.drain().await;
    assert_eq!(warnings(&log, run.id()), Vec::<String>::new());
}

async fn a_lease_that_another_worker_has_taken_is_reported(world: World) {
    let log = LogLines::record().await;
    let worker = world.engine().register::<waiting>().worker_id("zombie").build().await.unwrap();
    let run = worker.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    let other = world.engine().register::<waiting>().without_worker().build().await.unwrap();
    let dead_workers = vec!["zombie".to_owned()];
    other.dispatch(ReapStaleLeases { dead_workers, ..ReapStaleLeases::default() }).await.unwrap();
    world.store.hints().all_runs_changed();
    let_the_heartbeat_check(&world.clock).await;
    log.wait_for(1, "a lease was lost, so its body is stopped").await;
    signal::wait(run.id(), "stopped").await;
    signal::give(run.id(), "end");
    assert_eq!(run.output().await.unwrap(), 3, "the second attempt completes the stage");
}

on_every_store!(
    a_body_stops_at_the_end_of_its_lease_when_the_store_refuses,
    a_body_stops_at_the_end_of_its_lease_when_the_heartbeat_hangs,
    a_renewed_lease_does_not_stop_its_body,
    a_stage_that_completes_during_a_check_of_the_leases_has_not_lost_its_lease,
    a_cancelled_run_has_not_lost_its_lease,
    a_lease_that_another_worker_has_taken_is_reported,
);
