//! What an engine asks of its store while a run waits for days: nothing, until the check is due.

use std::collections::HashMap;
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
/// After a commit, each loop looks once more when what the commit has left is old enough: all of them within this time.
const AFTERMATH: Duration = Duration::from_secs(180);
/// What is left of an hour before its last step.
const QUIET: Duration = Duration::from_secs(3_600 - 180 - 30);
/// What a check may cost, with all that looks after a commit: a claim, the ticket, an outcome, and who looks for more.
const CALLS: usize = 32;
/// How often it is looked whether the far side is ready.
const CHECKS: u32 = 8;

/// Counts what the engine asks.
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

    /// Until every task waits for something that is none of the store's answers.
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

    /// Lets time pass in small steps.
    async fn pass(&self, world: &World, time: Duration) {
        for _ in 0..time.as_secs() / STEP.as_secs() {
            world.clock.advance(STEP);
            self.settle().await;
        }
    }
}

#[stage(check = there, poll_every = "1h", give_up_after = "3d")]
async fn ask(number: u32) -> StageResult<u32> {
    Ok(number)
}

/// How often it was looked, by run.
static LOOKED: LazyLock<Mutex<HashMap<RunId, u32>>> = LazyLock::new(Mutex::default);

#[check]
async fn there(number: &u32, ctx: &StageContext) -> StageResult<Check<u32>> {
    let mut looked = LOOKED.lock().unwrap();
    let looked = looked.entry(ctx.run_id()).or_default();
    *looked += 1;
    Ok(if *looked == CHECKS { Check::Ready(*number) } else { Check::Pending })
}

fn looked(run: RunId) -> u32 {
    LOOKED.lock().unwrap().get(&run).copied().unwrap_or_default()
}

workflow! { asking = ask }

/// With everything that a worker can have to look after.
async fn engine(world: &World, counter: &Arc<Counter>) -> Engine {
    let store = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(counter)));
    EngineBuilder::with_store(store, Arc::new(world.clock.clone()))
        .register::<asking>()
        .event_sink(CollectingEventSink::new())
        .plugin(Recorder::new("recorder"))
        .stuck_threshold(Duration::from_secs(60))
        .unclaimed_timeout(Duration::from_secs(60))
        .retention(Duration::from_secs(60))
        .build()
        .await
        .unwrap()
}

async fn a_waiting_run_costs_its_due_checks_and_nothing_else(world: World) {
    let counter = Arc::new(Counter::default());
    let engine = engine(&world, &counter).await;
    let run = engine.start::<asking>(AskInput { number: 7 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::WorkflowSuspended { .. })).await;
    let (run_id, waits_from) = (run.id(), world.clock_now());
    // Whoever waits for the output costs nothing either.
    let output = tokio::spawn(async move { run.output().await });
    counter.settle().await;

    let mut undisturbed = 0;
    let mut foreign = world.store.hints().watch_external();
    for hour in 0..CHECKS {
        counter.pass(&world, AFTERMATH).await;
        let cost = counter.take();
        counter.pass(&world, QUIET).await;
        let asked = counter.take();
        assert_eq!(looked(run_id), hour);
        // On a server that others use as well, the worker hears of them now and then, and looks.
        if !foreign.has_changed().unwrap() {
            undisturbed += 1;
            assert!(asked.is_empty(), "between check {hour} and the next: {asked:?}");
            if hour > 0 {
                let commits = cost.iter().filter(|call| **call == "commit").count();
                assert_eq!(commits, 1, "at check {hour}: {cost:?}");
                assert!(cost.len() <= CALLS, "{} calls at check {hour}: {cost:?}", cost.len());
            }
        }
        foreign.mark_unchanged();
        counter.pass(&world, STEP).await;
        assert_eq!(looked(run_id), hour + 1, "at the hour, one check");
    }
    assert_eq!(world.clock_now() - waits_from, chrono::TimeDelta::hours(CHECKS.into()));
    assert_eq!(output.await.unwrap().unwrap(), 7);
    assert!(undisturbed > CHECKS / 2, "{undisturbed} of {CHECKS} hours were undisturbed");
    engine.shutdown().await;
}

on_every_store!(a_waiting_run_costs_its_due_checks_and_nothing_else);
