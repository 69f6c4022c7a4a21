//! The deadline of a run: it fails at that instant, whatever it does.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use tests::events::{names, wait_for};
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::on_every_store;
use tests::signal;
use tests::world::World;
use workflow_engine::ports::Clock;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::testing::{FakeClock, unavailable};
use workflow_engine::{EngineBuilder, Error, ErrorCode};

const HOUR: Duration = Duration::from_secs(3_600);

#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
enum Then {
    Return,
    /// The body runs until it is cancelled.
    Hang,
    Fail,
}

#[stage(timeout = "1d", retry(max_attempts = 9, initial = "1d"))]
async fn work(then: Then, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "begun");
    match then {
        Then::Return => Ok(1),
        Then::Fail => Err(StageError::retryable("not yet")),
        Then::Hang => {
            let (run, cancellation) = (ctx.run_id(), ctx.cancellation().clone());
            // In a task of its own, because the engine drops the body.
            tokio::spawn(async move {
                cancellation.cancelled().await;
                signal::give(run, "cancelled");
            });
            std::future::pending().await
        }
    }
}

#[stage(check = answered, poll_every = "1d", give_up_after = "30d")]
async fn ask(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[check]
async fn answered(ticket: &u32) -> StageResult<Check<u32>> {
    Ok(if *ticket > 9 { Check::Ready(*ticket) } else { Check::Pending })
}

/// Returns the deadline, in seconds since 1970.
#[stage]
async fn told(caught: Result<u32, StageFailure>, ctx: &StageContext) -> StageResult<Option<i64>> {
    Ok(caught.ok().and(ctx.deadline()).map(|deadline| deadline.timestamp()))
}

workflow! {
    #[workflow(deadline = "2h")]
    limited = catch(work) >> told;
    #[workflow(deadline = "2h")]
    asking = work >> ask;
    #[workflow(deadline = "2h")]
    delayed = work >> delay("1d") >> ask;
    free = work
}

fn input(then: Then) -> WorkInput {
    WorkInput { then }
}

fn overdue(deadline: chrono::DateTime<chrono::Utc>) -> String {
    let deadline = deadline.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    format!("the run had not ended 5s after its start was due, at {deadline}")
}

/// Refuses to look for overdue runs while it is broken, and records when it was asked.
struct Broken {
    clock: FakeClock,
    refuses: AtomicBool,
    asked_at: Mutex<Vec<DateTime<Utc>>>,
}

impl Broken {
    fn times(&self) -> Vec<DateTime<Utc>> {
        self.asked_at.lock().unwrap().clone()
    }
}

#[async_trait]
impl Interceptor for Broken {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        if call.method != "overdue_runs" || !self.refuses.load(Ordering::SeqCst) {
            return Ok(0);
        }
        self.asked_at.lock().unwrap().push(self.clock.now());
        Err(unavailable(call.method))
    }
}

async fn timers_pause_after_an_error_whatever_changes_meanwhile(world: World) {
    let broken = Arc::new(Broken {
        clock: world.clock.clone(),
        refuses: AtomicBool::new(true),
        asked_at: Mutex::default(),
    });
    let store = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&broken)));
    let builder = EngineBuilder::with_store(store, Arc::new(world.clock.clone())).register::<free>();
    // Longer than the clock advances here while a body runs.
    let engine = builder.lease(Duration::from_secs(1_000_000)).build().await.unwrap();
    while broken.times().is_empty() {
        tokio::task::yield_now().await;
    }
    for pause in 1..=3 {
        let before = broken.times().len();
        // Each of them sets a timer, which otherwise wakes the service.
        for _ in 0..20 {
            engine.start::<free>(input(Then::Return)).after(HOUR).await.unwrap();
        }
        assert_eq!(broken.times().len(), before, "pause {pause}: no change shortens it");
        while broken.times().len() == before {
            advance_to_next_wake(&world);
            tokio::task::yield_now().await;
        }
    }
    let times = broken.times();
    assert!(times.windows(2).all(|two| two[1] - two[0] >= TimeDelta::milliseconds(25)), "{times:?}");

    broken.refuses.store(false, Ordering::SeqCst);
    let run = engine.start::<free>(input(Then::Return)).after(HOUR).await.unwrap();
    let mut output = pin!(run.output());
    loop {
        tokio::select! {
            biased;
            output = &mut output => break assert_eq!(output.unwrap(), 1, "the timers work again"),
            () = tokio::task::yield_now() => advance_to_next_wake(&world),
        }
    }
}

/// Moves the clock to the next instant for which a task waits.
fn advance_to_next_wake(world: &World) {
    if let Some(wake) = world.clock.next_wake() {
        world.clock.advance((wake - world.clock_now()).to_std().unwrap_or_default());
    }
}

async fn a_run_in_time_is_not_touched(world: World) {
    let engine = world.engine().register::<limited>().build().await.unwrap();
    let run = engine.start::<limited>(input(Then::Return)).await.unwrap();
    let deadline = world.clock_now() + 2 * HOUR;
    assert_eq!(run.output().await.unwrap(), Some(deadline.timestamp()), "the context has it");
    assert_eq!(world.store.next_timer(&[]).await.unwrap(), None, "it has ended");
    world.clock.advance(3 * HOUR);
    assert_eq!(run.status().await.unwrap(), Status::Completed);
    engine.shutdown().await;
}

async fn a_run_with_a_running_body_fails_and_cancels_it(world: World) {
    let engine = world.engine().register::<limited>().build().await.unwrap();
    // Shorter than the lease of the body, which no heartbeat renews while the clock is advanced.
    let short = Duration::from_secs(5);
    let deadline = world.clock_now() + short;
    let run = engine.start::<limited>(input(Then::Hang)).deadline(short).await.unwrap();
    signal::wait(run.id(), "begun").await;
    assert_eq!(run.record().await.unwrap().times.deadline_at, Some(deadline));
    world.clock.advance(short);
    signal::wait(run.id(), "cancelled").await;
    let error = run.output().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::RunFailed);
    let record = run.record().await.unwrap();
    let failure = record.error.unwrap();
    assert_eq!((failure.code.as_str(), failure.message), ("DEADLINE_EXCEEDED", overdue(deadline)));
    assert_eq!(record.completed_at, Some(deadline));
    assert_eq!(
        names(&run).await,
        [
            "workflow:created",
            "workflow:started",
            "stage:started",
            "stage:cancelled",
            "stage:cancelled",
            "workflow:failed"
        ],
        "no catch takes it"
    );
    engine.shutdown().await;
}

async fn a_run_that_waits_for_something_outside_fails(world: World) {
    let engine = world.engine().register::<asking>().build().await.unwrap();
    let run = engine.start::<asking>(input(Then::Return)).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    world.clock.advance(2 * HOUR);
    assert_eq!(run.output().await.unwrap_err().code(), ErrorCode::RunFailed);
    assert_eq!(run.record().await.unwrap().error.unwrap().code, "DEADLINE_EXCEEDED");
    engine.shutdown().await;
}

async fn a_run_that_waits_for_a_retry_or_a_delay_fails(world: World) {
    let engine = world.engine().register::<delayed>().build().await.unwrap();
    let retries = engine.start::<delayed>(input(Then::Fail)).await.unwrap();
    let waits = engine.start::<delayed>(input(Then::Return)).await.unwrap();
    wait_for(&retries, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    wait_for(&waits, |kind| matches!(kind, EventKind::StageCompleted { .. })).await;
    world.clock.advance(2 * HOUR);
    for run in [retries, waits] {
        run.output().await.unwrap_err();
        assert_eq!(run.record().await.unwrap().error.unwrap().code, "DEADLINE_EXCEEDED");
    }
    engine.shutdown().await;
}

async fn a_deadline_counts_from_a_later_start_and_anew_from_a_rerun(world: World) {
    let engine = world.engine().register::<asking>().build().await.unwrap();
    let start = world.clock_now();
    let run = engine.start::<asking>(input(Then::Return)).after(5 * HOUR).deadline(HOUR).await.unwrap();
    assert_eq!(run.record().await.unwrap().times.deadline_at, Some(start + 6 * HOUR));
    world.clock.advance(5 * HOUR);
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    world.clock.advance(HOUR);
    run.output().await.unwrap_err();
    world.clock.advance(HOUR);
    run.rerun_from::<ask>().await.unwrap();
    assert_eq!(run.record().await.unwrap().times.deadline_at, Some(start + 8 * HOUR));
    world.clock.advance(HOUR);
    run.output().await.unwrap_err();
    assert_eq!(run.record().await.unwrap().error.unwrap().code, "DEADLINE_EXCEEDED");
    engine.shutdown().await;
}

async fn a_run_fails_at_its_deadline_where_no_process_has_its_definition(world: World) {
    let engine = world.engine().register::<free>().without_worker().build().await.unwrap();
    let run = engine.start::<free>(input(Then::Return)).deadline(HOUR).await.unwrap();
    let other = world.engine().build().await.unwrap();
    world.clock.advance(HOUR);
    assert_eq!(run.output().await.unwrap_err().code(), ErrorCode::RunFailed);
    assert_eq!(names(&run).await, ["workflow:created", "workflow:failed"]);
    other.shutdown().await;
}

on_every_store!(
    timers_pause_after_an_error_whatever_changes_meanwhile,
    a_run_in_time_is_not_touched,
    a_run_with_a_running_body_fails_and_cancels_it,
    a_run_that_waits_for_something_outside_fails,
    a_run_that_waits_for_a_retry_or_a_delay_fails,
    a_deadline_counts_from_a_later_start_and_anew_from_a_rerun,
    a_run_fails_at_its_deadline_where_no_process_has_its_definition,
);

#[test]
fn a_deadline_is_policy() {
    assert_eq!(limited::definition().deadline, Some(2 * HOUR));
    assert_eq!(limited::definition().to_json()["deadline_ms"], 7_200_000);
    assert_eq!(free::definition().deadline, None);
    let plain = without_deadline::asking::definition();
    assert_eq!(asking::definition().fingerprint(), plain.fingerprint());
}

mod without_deadline {
    use super::{ask, work};
    use workflow_engine::prelude::*;

    workflow! { pub(super) asking = work >> ask }
}
