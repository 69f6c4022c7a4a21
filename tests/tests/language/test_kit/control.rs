//! Moving a run through virtual time, acting on it meanwhile, and reading what happened.

use std::time::Duration;

use expect_test::expect;
use workflow_engine::kernel::RerunFrom;
use workflow_engine::prelude::*;
use workflow_engine::testing::{RunState, TestEngine};
use workflow_engine::{AnnotationKey, LogLevel};

const HOUR: Duration = Duration::from_secs(3600);

const PRIORITY: AnnotationKey<u32> = AnnotationKey::new("priority");

#[stage(retry(max_attempts = 2, initial = "1h"))]
async fn read(path: String, ctx: &StageContext) -> StageResult<String> {
    ctx.log(LogLevel::Info, "read", path.len());
    ctx.progress(0.5, "half");
    Ok(path)
}

#[stage(check = approved, poll_every = "1d", give_up_after = "30d")]
async fn approve(text: String) -> StageResult<String> {
    Ok(text)
}

#[check]
async fn approved(text: &String) -> StageResult<Check<bool>> {
    Ok(Check::Ready(text.len() > 3))
}

/// A stage without an end.
#[stage(timeout = "10h", retry(max_attempts = 1))]
async fn publish(approved: bool) -> StageResult<bool> {
    if approved {
        std::future::pending::<()>().await;
    }
    Ok(approved)
}

workflow! { Publishing = read >> approve >> publish }

fn path(path: &str) -> PublishingInput {
    PublishingInput { path: path.into() }
}

#[tokio::test]
async fn a_run_moves_only_when_the_test_moves_time() {
    let mut test = TestEngine::<Publishing>::new();
    let run = test.start(path("abc")).await;
    assert_eq!(run.status().await.unwrap(), Status::Pending);
    assert!(test.step().await, "its start");
    assert_eq!(run.status().await.unwrap(), Status::Running);
    assert_eq!(run.outputs().await.unwrap().read, None);
    assert!(test.step().await, "its first stage");
    assert_eq!(run.outputs().await.unwrap().read.as_deref(), Some("abc"));
    assert_eq!(test.elapsed().await, Duration::ZERO);

    let state = test.run_until(&run, RunState::is_waiting::<approve>).await;
    assert_eq!(state.elapsed, Duration::ZERO);
    test.advance(23 * HOUR).await;
    assert_eq!(run.outputs().await.unwrap().approve, None);
    test.advance(HOUR).await;
    assert_eq!(run.outputs().await.unwrap().approve, Some(false));
    assert_eq!(run.status().await.unwrap(), Status::Completed, "what is due at the end of the time is done");
    assert!(!test.step().await, "nothing is left");
}

#[tokio::test]
async fn a_wake_up_checks_a_stage_before_its_poll_is_due() {
    let mut test = TestEngine::<Publishing>::new();
    let run = test.start(path("abc")).await;
    test.run_until(&run, RunState::is_waiting::<approve>).await;
    test.advance(HOUR).await;
    assert!(run.wake::<approve>().await.unwrap());
    let run = test.finish(&run).await;
    assert_eq!(run.elapsed, HOUR);
}

#[tokio::test]
async fn an_action_happens_at_its_instant_while_a_body_runs() {
    let mut test = TestEngine::<Publishing>::new();
    let run = test.start(path("abcd")).await;
    let cancelled = run.clone();
    test.after(27 * HOUR, async move {
        cancelled.annotate(PRIORITY.value(&7)).await.unwrap();
        assert!(cancelled.cancel("too late").await.unwrap());
    })
    .await;
    let state = test.run_until(&run, RunState::is_running::<publish>).await;
    assert_eq!(state.elapsed, 24 * HOUR);
    let ended = test.finish(&run).await;
    assert!(ended.output.unwrap_err().is_run_cancelled());
    assert_eq!(ended.elapsed, 27 * HOUR);
}

#[tokio::test]
async fn a_rerun_continues_in_the_same_time() {
    let mut test = TestEngine::<Publishing>::new();
    let run = test.start(path("abcd")).await;
    let failed = test.finish(&run).await;
    assert_eq!(failed.elapsed, 34 * HOUR, "the body timed out");
    let engine = test.engine().await;
    let rerun = RerunFrom {
        run_id: run.id(),
        from_stage_id: "publish".into(),
        idempotency_key: None,
        dry_run: false,
    };
    engine.dispatch(rerun).await.unwrap();
    test.stub::<publish>(true);
    assert!(test.finish(&run).await.output.unwrap());
}

#[tokio::test]
async fn the_log_tells_what_happened_in_words_that_do_not_change() {
    let mut test = TestEngine::<Publishing>::new();
    let run = test.fail::<read>(1, "the disk is slow").run(path("abc")).await;
    expect![[r"
        0s        workflow:created
        0s        workflow:started
        0s        stage:started read, attempt 1
        0s        stage:retrying read, attempt 1: the disk is slow; next attempt in 1h
        1h        stage:started read, attempt 2
        1h        stage:progress read 50 %: half
        1h        log read INFO: read 3
        1h        stage:completed read
        1h        stage:started approve, attempt 1
        1h        stage:suspended approve, next check in 1d
        1h        workflow:suspended
        1d 1h     stage:completed approve
        1d 1h     stage:started publish, attempt 1
        1d 1h     stage:completed publish
        1d 1h     workflow:completed false
    "]]
    .assert_eq(run.log());
}

#[tokio::test]
async fn the_panic_has_the_log_of_a_run_that_ends_too_early_or_is_stuck() {
    async fn panic(test: impl Future<Output = ()> + Send + 'static) -> String {
        *tokio::spawn(test).await.unwrap_err().into_panic().downcast().unwrap()
    }

    let message = panic(async {
        let mut test = TestEngine::<Publishing>::new();
        let run = test.start(path("abc")).await;
        test.run_until(&run, RunState::is_running::<publish>).await;
    })
    .await;
    assert!(message.contains("ended before it met the condition of `run_until`\n0s "), "{message}");
    assert!(message.ends_with("workflow:completed false\n"), "{message}");
}

#[tokio::test]
async fn the_engine_is_configured_before_its_first_run() {
    let message = tokio::spawn(async {
        let mut test = TestEngine::<Publishing>::new();
        test.setup(|engine| engine.payload_limit(1024));
        let run = test.run(path(&"x".repeat(2000))).await;
        assert!(run.output.is_err());
    })
    .await;
    let message: String = *message.unwrap_err().into_panic().downcast().unwrap();
    assert!(message.starts_with("the run cannot be started: ") && message.contains("1024"), "{message}");

    let message = tokio::spawn(async {
        let mut test = TestEngine::<Publishing>::new();
        test.run(path("abc")).await;
        test.register::<Publishing>();
    })
    .await;
    let message: &str = *message.unwrap_err().into_panic().downcast().unwrap();
    assert!(message.contains("has started a run already"), "{message}");
}
