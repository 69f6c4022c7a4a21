//! A test engine on a runtime whose clock is paused: tokio's time is the engine's time.

#![allow(clippy::disallowed_methods, reason = "a sleep of tokio takes no real time here")]

use std::time::Duration;

use tokio::time::sleep;
use workflow_engine::prelude::*;
use workflow_engine::testing::{RunState, TestEngine};

const HOUR: Duration = Duration::from_secs(3600);

/// A stage that sleeps with tokio: longer in its first attempt than its timeout, and shorter in the second.
#[stage(timeout = "10h", retry(max_attempts = 2, initial = "1h", max = "1h"))]
async fn work(start: u32, ctx: &StageContext) -> StageResult<u32> {
    let hours = if ctx.attempt() == 1 { 20 } else { 9 };
    sleep(HOUR * hours).await;
    Ok(start)
}

#[stage(check = done, poll_every = "6h")]
async fn submit(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[check]
async fn done(number: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Ready(*number))
}

workflow! { Working = work >> submit }

#[tokio::test(start_paused = true)]
async fn bodies_that_sleep_with_tokio_and_the_engine_share_one_time() {
    let began = tokio::time::Instant::now();
    let run = TestEngine::<Working>::new().run(WorkInput { start: 7 }).await;
    assert_eq!(run.output.as_ref().unwrap(), &7);
    assert_eq!(run.attempts::<work>(), 2, "the first one timed out");
    // The timeout, the backoff, the second attempt, the poll.
    assert_eq!(run.elapsed, (10 + 1 + 9 + 6) * HOUR, "{}", run.log());
    assert_eq!(began.elapsed(), run.elapsed);
}

#[tokio::test(start_paused = true)]
async fn the_test_advances_time_to_the_middle_of_a_body() {
    let mut test = TestEngine::<Working>::new();
    let run = test.start(WorkInput { start: 7 }).await;
    test.advance(9 * HOUR).await;
    let state = test.run_until(&run, RunState::is_running::<work>).await;
    assert_eq!((state.elapsed, state.stage::<work>().unwrap().attempt), (9 * HOUR, 1));
    test.advance(3 * HOUR).await;
    let state = test.run_until(&run, RunState::is_running::<work>).await;
    assert_eq!((state.elapsed, state.stage::<work>().unwrap().attempt), (12 * HOUR, 2));
    assert!(run.cancel("enough").await.unwrap());
    assert_eq!(test.finish(&run).await.elapsed, 12 * HOUR);
}

#[tokio::test(start_paused = true)]
async fn a_process_dies_at_each_commit_in_paused_time() {
    let input = || WorkInput { start: 7 };
    let points = TestEngine::<Working>::new().crash_everywhere(input, |output| assert_eq!(output, 7)).await;
    assert!(points >= 10, "{points}");
}

#[stage]
async fn begin(hours: u32) -> StageResult<u32> {
    Ok(hours)
}

#[stage]
async fn pause_a(hours: u32) -> StageResult<u32> {
    sleep(HOUR * hours).await;
    Ok(hours)
}

#[stage]
async fn pause_b(hours: u32) -> StageResult<u32> {
    sleep(HOUR * hours).await;
    Ok(hours)
}

#[stage]
async fn both(a: u32, b: u32) -> StageResult<u32> {
    Ok(a + b)
}

workflow! { Pausing = begin >> [pause_a, pause_b] >> both }

#[tokio::test(start_paused = true)]
async fn parallel_branches_wait_side_by_side() {
    let run = TestEngine::<Pausing>::new().run(BeginInput { hours: 30 }).await;
    assert_eq!(run.output.unwrap(), 60);
    assert_eq!(run.elapsed, Duration::from_secs(30 * 3600));
}
