//! Stages that fail, panic, hang or exceed their timeout.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tests::events::{names, wait_for, wait_for_attempt};
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::RerunFrom;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

/// Fails in the first `failures` attempts, and then succeeds.
#[stage(retry(max_attempts = 3, initial = "10s", max = "1h"))]
async fn flaky(failures: u32, ctx: &StageContext) -> StageResult<u32> {
    if ctx.attempt() <= failures {
        return Err(StageError::retryable(format!("failure {}", ctx.attempt())));
    }
    Ok(ctx.attempt())
}

workflow! { flaky_alone = flaky }

async fn a_failed_attempt_is_retried_after_the_backoff(world: World) {
    let engine = world.engine().register::<flaky_alone>().build().await.unwrap();
    let run = engine.start::<flaky_alone>(FlakyInput { failures: 2 }).await.unwrap();
    for (attempt, delay) in [(1, 10_000), (2, 20_000)] {
        let retrying = wait_for(
            &run,
            |kind| matches!(kind, EventKind::StageRetrying { attempt: failed, .. } if *failed == attempt),
        )
        .await;
        let EventKind::StageRetrying { error, delay_ms, .. } = retrying else { unreachable!() };
        assert_eq!((error, delay_ms), (format!("failure {attempt}"), delay));
        world.clock.advance(Duration::from_millis(delay));
        wait_for_attempt(&run, "flaky", attempt + 1).await;
    }
    assert_eq!(run.output().await.unwrap(), 3);
    assert_eq!(
        names(&run).await,
        [
            "workflow:created",
            "workflow:started",
            "stage:started",
            "stage:retrying",
            "stage:started",
            "stage:retrying",
            "stage:started",
            "stage:completed",
            "workflow:completed",
        ]
    );
    // A later success clears the error.
    assert_eq!(world.store.stages(run.id()).await.unwrap()[0].error_message, None);
}

async fn a_retry_that_is_due_later_survives_a_restart(world: World) {
    let first = world.engine().register::<flaky_alone>().build().await.unwrap();
    let run = first.start::<flaky_alone>(FlakyInput { failures: 1 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    drop(first);

    let second = world.engine().register::<flaky_alone>().build().await.unwrap();
    world.clock.advance(Duration::from_secs(10));
    let run = second.run_handle::<flaky_alone>(run.id()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 2);
}

#[stage(retry(max_attempts = 1))]
async fn doomed(_number: u32) -> StageResult<u32> {
    Err(std::io::Error::other("the disk is on fire").into())
}

#[stage]
async fn patient(_number: u32, ctx: &StageContext) -> StageResult<u32> {
    ctx.cancellation().cancelled().await;
    Ok(0)
}

#[stage]
async fn after(_left: u32, _right: u32) -> StageResult<u32> {
    Ok(1)
}

workflow! { half_doomed(u32) = [doomed, patient] >> after }

async fn a_permanently_failed_stage_fails_its_run_in_the_same_commit(world: World) {
    let engine = world.engine().register::<half_doomed>().build().await.unwrap();
    let run = engine.start::<half_doomed>(7).await.unwrap();
    let error = run.output().await.unwrap_err();
    assert!(error.is_run_failed());
    assert_eq!(
        error.to_string(),
        format!("run {} failed: stage `doomed` failed after 1 attempt: the disk is on fire", run.id())
    );

    let record = run.record().await.unwrap();
    assert_eq!(record.status, Status::Failed);
    assert_eq!(record.error.unwrap().code, "STAGE_FAILED");
    let stages = world.store.stages(run.id()).await.unwrap();
    let statuses: Vec<Status> = stages.iter().map(|stage| stage.status).collect();
    assert_eq!(statuses, [Status::Failed, Status::Cancelled, Status::Cancelled]);
    let snapshot = world.store.snapshot(run.id()).await.unwrap().unwrap();
    assert!(snapshot.jobs.iter().all(|job| job.status == Status::Dead), "{:?}", snapshot.jobs);
    // The running body was cancelled, and its output is dropped.
    engine.shutdown().await;
}

#[stage]
async fn refuses(_number: u32) -> StageResult<u32> {
    Err(StageError::permanent("no such account"))
}

workflow! { refused = refuses }

async fn a_permanent_failure_is_not_retried(world: World) {
    let engine = world.engine().register::<refused>().build().await.unwrap();
    let run = engine.start::<refused>(RefusesInput { _number: 1 }).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    assert!(error.ends_with("stage `refuses` failed after 1 attempt: no such account"), "{error}");
}

static PANICS: AtomicU32 = AtomicU32::new(0);

#[stage(retry(max_attempts = 2, initial = "1s"))]
async fn panics(_number: u32, ctx: &StageContext) -> StageResult<u32> {
    PANICS.fetch_add(1, Ordering::Relaxed);
    panic!("attempt {}", ctx.attempt())
}

workflow! { panicking = panics }

async fn a_panic_is_a_failed_attempt(world: World) {
    let engine = world.engine().register::<panicking>().build().await.unwrap();
    let run = engine.start::<panicking>(PanicsInput { _number: 1 }).await.unwrap();
    let retrying = wait_for(&run, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    let EventKind::StageRetrying { error, .. } = retrying else { unreachable!() };
    assert_eq!(error, "panicked: attempt 1");
    world.clock.advance(Duration::from_secs(1));
    let error = run.output().await.unwrap_err().to_string();
    assert!(error.ends_with("stage `panics` failed after 2 attempts: panicked: attempt 2"), "{error}");
}

#[stage(timeout = "30s", retry(max_attempts = 2, initial = "1s"))]
async fn hangs(_number: u32, ctx: &StageContext) -> StageResult<u32> {
    if ctx.attempt() == 1 {
        signal::give(ctx.run_id(), "hangs");
        std::future::pending::<()>().await;
    }
    Ok(ctx.attempt())
}

workflow! { hanging = hangs }

async fn a_body_past_its_deadline_is_stopped(world: World) {
    let engine =
        world.engine().register::<hanging>().lease(Duration::from_secs(3_600)).build().await.unwrap();
    let run = engine.start::<hanging>(HangsInput { _number: 1 }).await.unwrap();
    signal::wait(run.id(), "hangs").await;
    world.clock.advance(Duration::from_secs(30));
    let retrying = wait_for(&run, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    let EventKind::StageRetrying { error, .. } = retrying else { unreachable!() };
    assert_eq!(error, "timed out after 30s");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(run.output().await.unwrap(), 2);
}

/// Returns its token in the second attempt; the first one fails with its own token as the error.
#[stage(retry(max_attempts = 2, initial = "1s"))]
async fn stamped(_number: u32, ctx: &StageContext) -> StageResult<String> {
    if ctx.attempt() == 1 {
        return Err(StageError::retryable(ctx.idempotency_token()));
    }
    Ok(ctx.idempotency_token())
}

workflow! { stamping = stamped }

/// The token makes repeated external effects recognisable (G3).
async fn the_token_is_the_same_in_every_attempt_and_differs_between_generations(world: World) {
    let engine = world.engine().register::<stamping>().build().await.unwrap();
    let mut tokens = std::collections::HashSet::new();
    let run = engine.start::<stamping>(StampedInput { _number: 1 }).await.unwrap();
    let other = engine.start::<stamping>(StampedInput { _number: 1 }).await.unwrap();
    for run in [&run, &other] {
        let failed = wait_for(run, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
        let EventKind::StageRetrying { error: first, .. } = failed else { unreachable!() };
        world.clock.advance(Duration::from_secs(1));
        assert_eq!(run.output().await.unwrap(), first);
        tokens.insert(first);
    }
    let again = RerunFrom {
        run_id: run.id(),
        from_stage_id: "stamped".into(),
        idempotency_key: None,
        dry_run: false,
    };
    engine.dispatch(again).await.unwrap();
    let failures = AtomicU32::new(0);
    let is_second = |kind: &EventKind| {
        matches!(kind, EventKind::StageRetrying { .. }) && failures.fetch_add(1, Ordering::Relaxed) == 1
    };
    wait_for(&run, is_second).await;
    world.clock.advance(Duration::from_secs(1));
    tokens.insert(run.output().await.unwrap());
    assert_eq!(tokens.len(), 3, "{tokens:?}");
}

on_every_store!(
    the_token_is_the_same_in_every_attempt_and_differs_between_generations,
    a_failed_attempt_is_retried_after_the_backoff,
    a_retry_that_is_due_later_survives_a_restart,
    a_permanently_failed_stage_fails_its_run_in_the_same_commit,
    a_permanent_failure_is_not_retried,
    a_panic_is_a_failed_attempt,
    a_body_past_its_deadline_is_stopped,
);
