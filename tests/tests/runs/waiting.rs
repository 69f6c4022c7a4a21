//! Stages that wait: the body commits one ticket, and checks run when they are due.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use tests::events::{names, wait_for};
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::RunId;
use workflow_engine::kernel::TransitionRun;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

const HOUR: Duration = Duration::from_secs(3_600);

/// The number of calls of each function by run.
static CALLS: LazyLock<Mutex<HashMap<(RunId, &'static str), u32>>> = LazyLock::new(Mutex::default);

/// Counts a call, and returns its 1-based number.
fn call(ctx: &StageContext, name: &'static str) -> u32 {
    let mut calls = CALLS.lock().expect("the lock is not poisoned");
    let count = calls.entry((ctx.run_id(), name)).or_default();
    *count += 1;
    *count
}

fn calls(run: RunId, name: &'static str) -> u32 {
    CALLS.lock().expect("the lock is not poisoned").get(&(run, name)).copied().unwrap_or_default()
}

#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Ticket {
    /// The number of the check that finds the batch ready.
    ready_at: u32,
    /// The outcome of the checks before that.
    until_then: Until,
}

#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
enum Until {
    Pending,
    PendingFor(u64),
    Fail,
    Stop,
    /// The checks wait for the signal `continue`.
    Held,
}

#[stage(check = batch_done, poll_every = "1h", give_up_after = "24h", retry(max_attempts = 3, initial = "10s"))]
async fn submit_batch(ticket: Ticket, ctx: &StageContext) -> StageResult<Ticket> {
    call(ctx, "submit");
    Ok(ticket)
}

#[check]
async fn batch_done(
    ticket: &Ticket,
    #[config(default = 7)] price: u32,
    ctx: &StageContext,
) -> StageResult<Check<u32>> {
    let count = call(ctx, "check");
    if let Until::Held = ticket.until_then {
        signal::give(ctx.run_id(), "checking");
        signal::wait(ctx.run_id(), "continue").await;
    }
    if count >= ticket.ready_at {
        return Ok(Check::Ready(count * price));
    }
    match ticket.until_then {
        Until::Pending | Until::Held => {
            signal::give(ctx.run_id(), "checked");
            Ok(Check::Pending)
        }
        Until::PendingFor(seconds) => Ok(Check::PendingFor(Duration::from_secs(seconds))),
        Until::Fail => Err(StageError::retryable(format!("check {count} failed"))),
        Until::Stop => Err(StageError::permanent("the provider has lost the batch")),
    }
}

#[stage]
async fn bill(price: u32) -> StageResult<String> {
    Ok(format!("{price} EUR"))
}

workflow! { batch = submit_batch >> bill }

fn input(ready_at: u32, until_then: Until) -> SubmitBatchInput {
    SubmitBatchInput { ticket: Ticket { ready_at, until_then } }
}

/// Waits until the stage is suspended, so that its ticket and its next check are stored.
async fn suspended(run: &RunHandle<batch>) {
    wait_for(run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
}

/// Advances the clock, and waits until the due check has run and the next one is stored.
async fn next_check(world: &World, run: &RunHandle<batch>, after: Duration) {
    let before = calls(run.id(), "check");
    world.clock.advance(after);
    // No job is due while the check runs.
    while calls(run.id(), "check") == before || due(world).await.is_none() {
        tokio::task::yield_now().await;
    }
}

async fn due(world: &World) -> Option<chrono::DateTime<chrono::Utc>> {
    world.store.next_job_due(&[batch::definition().fingerprint().to_owned()]).await.unwrap()
}

async fn a_ticket_is_committed_once_and_checked_at_its_interval(world: World) {
    let engine = world.engine().register::<batch>().build().await.unwrap();
    let run = engine.start::<batch>(input(3, Until::Pending)).await.unwrap();
    suspended(&run).await;
    for check in 1..=2 {
        assert_eq!(due(&world).await, Some(now(&world) + HOUR));
        next_check(&world, &run, HOUR).await;
        assert_eq!((calls(run.id(), "submit"), calls(run.id(), "check")), (1, check));
    }
    world.clock.advance(HOUR);
    assert_eq!(run.output().await.unwrap(), "21 EUR");
    assert_eq!((calls(run.id(), "submit"), calls(run.id(), "check")), (1, 3));
    assert_eq!(
        names(&run).await,
        [
            "workflow:created",
            "workflow:started",
            "stage:started",
            "stage:suspended",
            "workflow:suspended",
            "stage:completed",
            "stage:started",
            "stage:completed",
            "workflow:completed",
        ]
    );
}

fn now(world: &World) -> chrono::DateTime<chrono::Utc> {
    workflow_engine::ports::Clock::now(&world.clock)
}

async fn a_check_may_set_the_delay_of_the_next_check(world: World) {
    let engine = world.engine().register::<batch>().build().await.unwrap();
    let run = engine
        .start::<batch>(input(2, Until::PendingFor(90)))
        .config(BatchConfig { submit_batch: BatchDoneConfig { price: 10 }, ..BatchConfig::default() })
        .await
        .unwrap();
    suspended(&run).await;
    next_check(&world, &run, HOUR).await;
    assert_eq!(due(&world).await, Some(now(&world) + Duration::from_secs(90)));
    world.clock.advance(Duration::from_secs(90));
    assert_eq!(run.output().await.unwrap(), "20 EUR");
}

async fn a_failing_check_follows_the_retry_policy_and_then_fails_the_run(world: World) {
    let engine = world.engine().register::<batch>().build().await.unwrap();
    let run = engine.start::<batch>(input(9, Until::Fail)).await.unwrap();
    suspended(&run).await;
    world.clock.advance(HOUR);
    for (attempt, seconds) in [(1, 10), (2, 20)] {
        let retrying = wait_for(
            &run,
            |kind| matches!(kind, EventKind::StageRetrying { attempt: failed, .. } if *failed == attempt),
        )
        .await;
        let EventKind::StageRetrying { error, delay_ms, .. } = retrying else { unreachable!() };
        assert_eq!((error, delay_ms), (format!("check {attempt} failed"), seconds * 1_000));
        world.clock.advance(Duration::from_secs(seconds));
    }
    let error = run.output().await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("stage `submit-batch` failed after 3 attempts to check it: check 3 failed"),
        "{error}"
    );
    assert_eq!((calls(run.id(), "submit"), calls(run.id(), "check")), (1, 3));
}

async fn a_check_that_recovers_completes_its_stage(world: World) {
    let engine = world.engine().register::<batch>().build().await.unwrap();
    let run = engine.start::<batch>(input(2, Until::Fail)).await.unwrap();
    suspended(&run).await;
    world.clock.advance(HOUR);
    wait_for(&run, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(run.output().await.unwrap(), "14 EUR");
}

async fn a_permanent_failure_of_a_check_fails_the_run_at_once(world: World) {
    let engine = world.engine().register::<batch>().build().await.unwrap();
    let run = engine.start::<batch>(input(9, Until::Stop)).await.unwrap();
    suspended(&run).await;
    world.clock.advance(HOUR);
    let error = run.output().await.unwrap_err();
    assert!(
        error.to_string().ends_with("after 1 attempt to check it: the provider has lost the batch"),
        "{error}"
    );
    assert_eq!(calls(run.id(), "check"), 1);
}

async fn a_stage_that_is_not_ready_in_time_fails_after_a_last_check(world: World) {
    let engine = world.engine().register::<batch>().build().await.unwrap();
    // The next check would be due in ten days, so the last one is due at the end of the wait limit.
    let run = engine.start::<batch>(input(9, Until::PendingFor(864_000))).await.unwrap();
    suspended(&run).await;
    let wait_limit = now(&world) + HOUR * 24;
    next_check(&world, &run, HOUR).await;
    assert_eq!(due(&world).await, Some(wait_limit));
    world.clock.advance(HOUR * 23);
    let error = run.output().await.unwrap_err();
    let text = "stage `submit-batch` timed out: it was not ready within 86400s";
    assert!(error.to_string().ends_with(text), "{error}");
    assert_eq!(run.record().await.unwrap().error.unwrap().code, "WAIT_TIMED_OUT");
    assert_eq!((calls(run.id(), "submit"), calls(run.id(), "check")), (1, 2));
}

async fn a_wake_triggers_a_check_immediately(world: World) {
    let engine = world.engine().register::<batch>().build().await.unwrap();
    let run = engine.start::<batch>(input(1, Until::Pending)).await.unwrap();
    suspended(&run).await;
    assert!(run.any().wake("submit-batch").await.unwrap());
    assert_eq!(run.output().await.unwrap(), "7 EUR");
    assert!(!run.any().wake("submit-batch").await.unwrap(), "the stage has completed");
    assert!(!engine.wake(run.id(), "bill").await.unwrap(), "the stage has no check");
    let error = engine.wake(run.id(), "print").await.unwrap_err();
    assert_eq!(error.code(), "STAGE_NOT_FOUND");
    let error = engine.wake(RunId::generate(), "bill").await.unwrap_err();
    assert_eq!(error.code(), "RUN_NOT_FOUND");
}

async fn a_wake_during_a_check_triggers_another_check(world: World) {
    let engine = world.engine().register::<batch>().build().await.unwrap();
    let run = engine.start::<batch>(input(2, Until::Held)).await.unwrap();
    suspended(&run).await;
    world.clock.advance(HOUR);
    signal::wait(run.id(), "checking").await;
    assert!(run.any().wake("submit-batch").await.unwrap());
    signal::give(run.id(), "continue");
    // The clock does not move, so only the wake triggers the second check.
    signal::wait(run.id(), "checking").await;
    signal::give(run.id(), "continue");
    assert_eq!(run.output().await.unwrap(), "14 EUR");
}

async fn a_waiting_stage_survives_a_restart(world: World) {
    let first = world.engine().register::<batch>().build().await.unwrap();
    let run = first.start::<batch>(input(2, Until::Pending)).await.unwrap();
    suspended(&run).await;
    next_check(&world, &run, HOUR).await;
    // The store outlives the engine.
    first.drain().await;

    let second = world.engine().register::<batch>().build().await.unwrap();
    let run = second.run_handle::<batch>(run.id()).await.unwrap();
    assert_eq!(run.status().await.unwrap(), Status::Running);
    world.clock.advance(HOUR);
    assert_eq!(run.output().await.unwrap(), "14 EUR");
    assert_eq!((calls(run.id(), "submit"), calls(run.id(), "check")), (1, 2));
}

async fn a_draining_worker_returns_its_check(world: World) {
    let first = world.engine().register::<batch>().drain_timeout(Duration::ZERO).build().await.unwrap();
    let run = first.start::<batch>(input(1, Until::Held)).await.unwrap();
    suspended(&run).await;
    world.clock.advance(HOUR);
    signal::wait(run.id(), "checking").await;
    first.drain().await;

    let second = world.engine().register::<batch>().build().await.unwrap();
    signal::wait(run.id(), "checking").await;
    signal::give(run.id(), "continue");
    let run = second.run_handle::<batch>(run.id()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "14 EUR");
    assert_eq!(calls(run.id(), "submit"), 1);
}

async fn a_run_is_cancelled_while_it_waits(world: World) {
    let engine = world.engine().register::<batch>().build().await.unwrap();
    let run = engine.start::<batch>(input(1, Until::Pending)).await.unwrap();
    suspended(&run).await;
    assert!(run.cancel("no need").await.unwrap());
    assert!(run.output().await.unwrap_err().is_run_cancelled());
    assert!(!run.any().wake("submit-batch").await.unwrap());
    world.clock.advance(HOUR * 48);
    engine.drain().await;
    assert_eq!(calls(run.id(), "check"), 0);
}

async fn a_run_is_cancelled_while_a_check_runs(world: World) {
    let engine = world.engine().register::<batch>().build().await.unwrap();
    let run = engine.start::<batch>(input(1, Until::Held)).await.unwrap();
    suspended(&run).await;
    world.clock.advance(HOUR);
    signal::wait(run.id(), "checking").await;
    assert!(run.cancel("no need").await.unwrap());
    signal::give(run.id(), "continue");
    engine.drain().await;
    let events = names(&run).await;
    assert_eq!(events.last(), Some(&"workflow:cancelled"));
    assert!(!events.contains(&"stage:completed"), "{events:?}");
}

#[stage(check = first_done, poll_every = "1m")]
async fn first(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[check]
async fn first_done(number: &u32, #[require(announce)] text: &String) -> StageResult<Check<String>> {
    Ok(Check::Ready(format!("{text} {number}")))
}

#[stage(check = second_done, poll_every = "2m", require(announce))]
async fn second(number: u32) -> StageResult<u32> {
    Ok(number + 1)
}

#[check]
async fn second_done(number: &u32, ctx: &StageContext<second>) -> StageResult<Check<u32>> {
    Ok(Check::Ready(*number + u32::try_from(ctx.require::<announce>().len())?))
}

#[stage]
async fn announce(number: u32) -> StageResult<String> {
    Ok("n".repeat(number as usize))
}

#[stage]
async fn pass(text: String) -> StageResult<u32> {
    Ok(u32::try_from(text.len())?)
}

#[stage]
async fn joined(left: String, right: u32) -> StageResult<String> {
    Ok(format!("{left} {right}"))
}

workflow! { both = announce >> pass >> [first, second] >> joined }

async fn two_branches_wait_side_by_side(world: World) {
    let engine = world.engine().register::<both>().build().await.unwrap();
    let run = engine.start::<both>(AnnounceInput { number: 2 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::WorkflowSuspended { .. })).await;
    assert_eq!(run.record().await.unwrap().suspended, 2);
    world.clock.advance(Duration::from_secs(60));
    wait_for(&run, |kind| matches!(kind, EventKind::StageCompleted { stage_id, .. } if stage_id == "first"))
        .await;
    assert_eq!(run.record().await.unwrap().suspended, 1);
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(run.output().await.unwrap(), "nn 2 5");
}

async fn a_host_without_a_worker_checks_by_command(world: World) {
    use workflow_engine::kernel::{ExecuteJob, JobOutcome};

    let engine = world.engine().register::<batch>().without_worker().build().await.unwrap();
    let run = engine.start::<batch>(input(1, Until::Pending)).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    let execute = || ExecuteJob {
        worker_id: "lambda".into(),
        run_id: run.id(),
        stage_key: "submit-batch".into(),
        idempotency_key: None,
    };
    let executed = engine.dispatch(execute()).await.unwrap();
    assert_eq!(executed.outcome, JobOutcome::Suspended { check_after: HOUR });
    assert!(matches!(engine.dispatch(execute()).await.unwrap().outcome, JobOutcome::Superseded { .. }));
    world.clock.advance(HOUR);
    assert_eq!(engine.dispatch(execute()).await.unwrap().outcome, JobOutcome::Completed);
}

on_every_store!(
    a_ticket_is_committed_once_and_checked_at_its_interval,
    a_check_may_set_the_delay_of_the_next_check,
    a_failing_check_follows_the_retry_policy_and_then_fails_the_run,
    a_check_that_recovers_completes_its_stage,
    a_permanent_failure_of_a_check_fails_the_run_at_once,
    a_stage_that_is_not_ready_in_time_fails_after_a_last_check,
    a_wake_triggers_a_check_immediately,
    a_wake_during_a_check_triggers_another_check,
    a_waiting_stage_survives_a_restart,
    a_draining_worker_returns_its_check,
    a_run_is_cancelled_while_it_waits,
    a_run_is_cancelled_while_a_check_runs,
    two_branches_wait_side_by_side,
    a_host_without_a_worker_checks_by_command,
);
