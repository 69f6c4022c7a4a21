//! The calls of an engine to its store while a run waits: none, until the check is due.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tests::events::wait_for;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::on_every_store;
use tests::recorder::Recorder;
use tests::world::World;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::testing::CollectingEventSink;
use workflow_engine::{EngineBuilder, Error, RunId};

const STEP: Duration = Duration::from_secs(30);
/// The time after a commit in which each service loop queries the store once more.
const FOLLOW_UP: Duration = Duration::from_secs(180);
/// The rest of an hour, without its last step.
const QUIET: Duration = Duration::from_secs(3_600 - 180 - 30);
/// The maximum number of calls of a check, including those of all service loops after its commit.
const MAX_CALLS: usize = 32;
/// The number of undisturbed hours to be seen.
const UNDISTURBED: u32 = 5;
/// The most hours until then: fewer than those after which the stage times out.
const MAX_HOURS: u32 = 70;

/// Counts the calls of the engine to its store.
#[derive(Default)]
struct Counter {
    calls: Mutex<Vec<&'static str>>,
    running: AtomicUsize,
}

#[async_trait]
impl Interceptor for Counter {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        self.calls.lock().unwrap().push(call.method);
        self.running.fetch_add(1, Ordering::SeqCst);
        Ok(0)
    }

    async fn after(&self, _call: Call, _token: u64) -> Result<(), Error> {
        self.running.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

impl Counter {
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    /// Waits until no call is in progress and no task makes another one.
    async fn settle(&self) {
        loop {
            let before = self.calls.lock().unwrap().len();
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            let nothing_new = self.calls.lock().unwrap().len() == before;
            if nothing_new && self.running.load(Ordering::SeqCst) == 0 {
                return;
            }
        }
    }

    /// Advances the clock in small steps.
    async fn pass(&self, world: &World, time: Duration) {
        for _ in 0..time.as_secs() / STEP.as_secs() {
            world.clock.advance(STEP);
            self.settle().await;
        }
    }
}

#[stage(check = ready, poll_every = "1h", give_up_after = "3d")]
async fn ask(number: u32) -> StageResult<u32> {
    Ok(number)
}

/// The number of checks by run.
static CHECKED: LazyLock<Mutex<HashMap<RunId, u32>>> = LazyLock::new(Mutex::default);
/// The runs whose next check is ready.
static READY: LazyLock<Mutex<HashSet<RunId>>> = LazyLock::new(Mutex::default);

#[check]
async fn ready(number: &u32, ctx: &StageContext) -> StageResult<Check<u32>> {
    *CHECKED.lock().unwrap().entry(ctx.run_id()).or_default() += 1;
    let is_ready = READY.lock().unwrap().contains(&ctx.run_id());
    Ok(if is_ready { Check::Ready(*number) } else { Check::Pending })
}

fn checks(run: RunId) -> u32 {
    CHECKED.lock().unwrap().get(&run).copied().unwrap_or_default()
}

workflow! { inquiry = ask }

/// Builds an engine whose worker has every kind of service loop.
async fn engine(world: &World, counter: &Arc<Counter>) -> Engine {
    let store = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(counter)));
    EngineBuilder::with_store(store, Arc::new(world.clock.clone()))
        .register::<inquiry>()
        .event_sink(CollectingEventSink::new())
        .plugin(Recorder::new("recorder"))
        .stuck_threshold(Duration::from_secs(60))
        .unclaimed_timeout(Duration::from_secs(60))
        .retention(Duration::from_secs(60))
        .build()
        .await
        .unwrap()
}

async fn a_waiting_run_costs_only_its_due_checks(world: World) {
    let counter = Arc::new(Counter::default());
    let engine = engine(&world, &counter).await;
    let run = engine.start::<inquiry>(AskInput { number: 7 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::WorkflowSuspended { .. })).await;
    let (run_id, waits_from) = (run.id(), world.clock_now());
    // A task that waits for the output makes no calls either.
    let output = tokio::spawn(async move { run.output().await });
    counter.settle().await;

    let (mut hour, mut undisturbed) = (0, 0);
    let mut external = world.store.hints().watch_external();
    while undisturbed < UNDISTURBED {
        assert!(hour < MAX_HOURS, "{undisturbed} of {hour} hours were undisturbed");
        counter.pass(&world, FOLLOW_UP).await;
        let cost = counter.take();
        counter.pass(&world, QUIET).await;
        let calls = counter.take();
        assert_eq!(checks(run_id), hour);
        // On a shared server, commits of other tests occasionally wake the worker.
        if !external.has_changed().unwrap() {
            undisturbed += 1;
            assert!(calls.is_empty(), "between check {hour} and the next: {calls:?}");
            if hour > 0 {
                let commits = cost.iter().filter(|call| **call == "commit").count();
                assert_eq!(commits, 1, "at check {hour}: {cost:?}");
                assert!(cost.len() <= MAX_CALLS, "{} calls at check {hour}: {cost:?}", cost.len());
            }
        }
        external.mark_unchanged();
        if undisturbed == UNDISTURBED {
            READY.lock().unwrap().insert(run_id);
        }
        counter.pass(&world, STEP).await;
        hour += 1;
        assert_eq!(checks(run_id), hour, "one check per hour");
    }
    assert_eq!(world.clock_now() - waits_from, chrono::TimeDelta::hours(hour.into()));
    assert_eq!(output.await.unwrap().unwrap(), 7);
    engine.shutdown().await;
}

on_every_store!(a_waiting_run_costs_only_its_due_checks);
