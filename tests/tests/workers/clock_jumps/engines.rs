//! An engine whose clock jumps ahead for a while.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use tests::events::wait_for;
use tests::recorder::Recorder;
use tests::signal;
use tests::world::World;
use workflow_engine::RunId;
use workflow_engine::prelude::*;
use workflow_engine::records::{EventKind, EventType};
use workflow_engine::serverless::{MaintenanceTick, ProcessJobs, ServerlessSettings};

const AHEAD: TimeDelta = TimeDelta::hours(1);
const DELAY: Duration = Duration::from_secs(600);

tests::on_every_store! {
    a_check_is_made_within_its_interval,
    a_retry_follows_within_its_backoff,
    an_event_is_delivered_within_its_backoff,
    a_maintenance_tick_brings_a_check_back,
    a_lease_is_renewed_although_the_clock_went_back,
}

/// The number of calls by run.
static CALLS: LazyLock<Mutex<HashMap<RunId, u32>>> = LazyLock::new(Mutex::default);

fn call(run: RunId) -> u32 {
    let mut calls = CALLS.lock().unwrap();
    let count = calls.entry(run).or_default();
    *count += 1;
    *count
}

fn calls(run: RunId) -> u32 {
    CALLS.lock().unwrap().get(&run).copied().unwrap_or_default()
}

#[stage(check = printed, poll_every = "10m", give_up_after = "30d")]
pub(crate) async fn order(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[check]
pub(crate) async fn printed(_: &u32, ctx: &StageContext) -> StageResult<Check<u32>> {
    call(ctx.run_id());
    Ok(Check::Pending)
}

workflow! { pub(crate) printing = order }

#[stage(retry(max_attempts = 10, initial = "10m", max = "10m"))]
async fn ask(number: u32, ctx: &StageContext) -> StageResult<u32> {
    call(ctx.run_id());
    Err(StageError::retryable(format!("{number} is busy")))
}

workflow! { asking = ask }

/// Lets tasks run until `is_true`.
pub(crate) async fn until(mut is_true: impl AsyncFnMut() -> bool) {
    while !is_true().await {
        tokio::task::yield_now().await;
    }
}

/// Waits until the next job of the workflow is due after its delay and not later.
pub(crate) async fn until_due<W: Workflow>(world: &World) {
    let definitions = [W::definition().fingerprint().to_owned()];
    until(async || {
        let due = world.store.next_job_due(&definitions).await.unwrap();
        due.is_some_and(|due| due > world.clock_now() && due <= world.clock_now() + DELAY)
    })
    .await;
}

async fn a_check_is_made_within_its_interval(world: World) {
    let engine = world.engine().register::<printing>().build().await.unwrap();
    let run = engine.start::<printing>(OrderInput { number: 7 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    until_due::<printing>(&world).await;
    follow::<printing>(&world, run.id()).await;
    engine.shutdown().await;
}

async fn a_retry_follows_within_its_backoff(world: World) {
    let engine = world.engine().register::<asking>().build().await.unwrap();
    let run = engine.start::<asking>(AskInput { number: 7 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    follow::<asking>(&world, run.id()).await;
    engine.shutdown().await;
}

/// Lets the clock jump ahead, waits for a call, lets the clock jump back, and expects the next call within the delay.
async fn follow<W: Workflow>(world: &World, run: RunId) {
    let before = calls(run);
    world.clock.jump(AHEAD);
    world.clock.advance(DELAY);
    until(async || calls(run) > before).await;
    until_due::<W>(world).await;

    let before = calls(run);
    world.clock.jump(-AHEAD);
    until_due::<W>(world).await;
    world.clock.advance(DELAY);
    until(async || calls(run) > before).await;
}

async fn an_event_is_delivered_within_its_backoff(world: World) {
    let recorder = Recorder::new("recorder").on(&[EventType::StageSuspended]).with(|policy| {
        (policy.first_delay, policy.longest_delay) = (DELAY, DELAY);
        policy.max_retries = None;
    });
    recorder.refuse(|_, _| Some("not now"));
    let engine = world.engine().register::<printing>().plugin(recorder.clone()).build().await.unwrap();
    world.clock.jump(AHEAD);
    engine.start::<printing>(OrderInput { number: 7 }).await.unwrap();
    let until_refused = async || {
        let due = world.store.next_delivery_due("recorder").await.unwrap();
        due == Some(world.clock_now() + DELAY)
    };
    until(async || !recorder.offered().is_empty() && until_refused().await).await;

    recorder.accept();
    world.clock.jump(-AHEAD);
    until(until_refused).await;
    world.clock.advance(DELAY);
    until(async || !recorder.taken().is_empty()).await;
    engine.shutdown().await;
}

/// Waits for the signal `end`.
#[stage(retry(max_attempts = 1))]
async fn hold(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "started");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number)
}

workflow! { holding = hold }

/// The heartbeat counts the time that passes, and not the hour until the clock shows the instant of its next beat.
async fn a_lease_is_renewed_although_the_clock_went_back(world: World) {
    const LEASE: Duration = Duration::from_secs(15);
    const LIMIT: Duration = Duration::from_secs(30);
    let engine = world.engine().register::<holding>().lease(LEASE).build().await.unwrap();
    let run = engine.start::<holding>(HoldInput { number: 7 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    world.clock.jump(-AHEAD);
    // A renewal skips a row that the correction has locked, so the correction comes first.
    for step in [Duration::ZERO].into_iter().chain([LEASE / 3; 9]) {
        world.clock.advance(step);
        let end = world.clock_now() + LEASE;
        let renewed = until(async || world.store.next_lease_end().await.unwrap() == Some(end));
        tokio::time::timeout(LIMIT, renewed).await.expect("the lease is renewed");
    }
    signal::give(run.id(), "end");
    assert_eq!(run.output().await.unwrap(), 7);
    engine.shutdown().await;
}

async fn a_maintenance_tick_brings_a_check_back(world: World) {
    let engine = world.engine().register::<printing>().without_worker().build().await.unwrap();
    let host = engine.serverless(ServerlessSettings::default()).unwrap();
    world.clock.jump(AHEAD);
    engine.start::<printing>(OrderInput { number: 7 }).await.unwrap();
    host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap().succeeded, 1);

    world.clock.jump(-AHEAD);
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert!(report.failed.is_empty(), "{:?}", report.failed);
    assert_eq!(report.next_due, Some(world.clock_now() + DELAY));
}
