//! Limits of a stage that the configuration of a run sets: `timeout = config.timeout`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;
use workflow_engine::testing::TestEngine;
use workflow_engine::{Error, ErrorCode, Status};

const HOUR: Duration = Duration::from_secs(3_600);

/// Limits of a remote service, in a structure of the program.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Pace {
    first: String,
    longest: Option<String>,
}

#[stage(
    retry(max_attempts = config.tries, initial = config.pace.first, max = config.pace.longest),
    timeout = config.limit
)]
async fn fetch(
    number: u32,
    #[config(default = 2)] tries: u32,
    #[config(default = Pace { first: "1h".into(), longest: None })] pace: Pace,
    #[config(rename = "timeLimit")] limit: Option<Duration>,
    ctx: &StageContext,
) -> StageResult<u32> {
    let _ = (tries, pace);
    if limit.is_some() {
        std::future::pending::<()>().await;
    }
    if ctx.is_last_attempt() { Ok(number) } else { Err(StageError::retryable("not the last attempt")) }
}

/// The same limits in a stage that another one makes ready.
#[stage(retry(max_attempts = config.tries, initial = "1m", backoff = fixed))]
async fn double(number: u32, #[config(default = 7)] tries: u8) -> StageResult<u32> {
    let _ = tries;
    Ok(number * 2)
}

workflow! { Doubling = fetch >> double }

#[stage(check = printed, poll_every = config.every, give_up_after = config.patience)]
async fn print(
    pages: u32,
    #[config(default = "6h".to_owned())] every: String,
    #[config(default = "2d".to_owned())] patience: String,
) -> StageResult<u32> {
    let _ = (every, patience);
    Ok(pages)
}

#[check]
async fn printed(pages: &u32, ctx: &StageContext) -> StageResult<Check<u32>> {
    ctx.log(workflow_engine::LogLevel::Info, "checked", ());
    Ok(if *pages == 0 { Check::Pending } else { Check::Ready(*pages) })
}

workflow! { Printing = print }

fn config(tries: u32, first: &str) -> DoublingConfig {
    let pace = Pace { first: first.into(), longest: Some("3h".into()) };
    DoublingConfig { fetch: FetchConfig { tries, pace, limit: None }, ..DoublingConfig::default() }
}

async fn refusal(config: DoublingConfig) -> Error {
    let engine = Engine::builder("memory:").register::<Doubling>().build().await.unwrap();
    let started = engine.start::<Doubling>(DoublingInput { number: 1 }).config(config).await;
    let error = started.expect_err("the configuration is out of range");
    assert_eq!(error.code(), ErrorCode::InvalidConfig);
    error
}

#[tokio::test]
async fn each_run_has_its_own_number_of_attempts_and_delays() {
    for (tries, elapsed) in [(1, 0), (2, 1), (4, 1 + 2 + 3)] {
        let mut test = TestEngine::<Doubling>::new();
        let run = test.config(config(tries, "1h")).run(DoublingInput { number: 21 }).await;
        assert_eq!(run.output.as_ref().unwrap(), &42);
        assert_eq!(run.attempts::<fetch>(), tries as usize);
        assert_eq!(run.elapsed, HOUR * elapsed);
    }
}

#[tokio::test]
async fn the_defaults_of_the_fields_apply_to_a_run_without_configuration() {
    let run = TestEngine::<Doubling>::new().run(DoublingInput { number: 21 }).await;
    assert_eq!((run.attempts::<fetch>(), run.elapsed), (2, HOUR));
}

#[tokio::test]
async fn a_later_stage_fails_after_its_configured_attempts() {
    let mut test = TestEngine::<Doubling>::new();
    for attempt in 1..=7 {
        test.fail::<double>(attempt, "busy");
    }
    let run = test.config(config(1, "1h")).run(DoublingInput { number: 21 }).await;
    assert!(run.output.unwrap_err().to_string().contains("stage `double` failed after 7 attempts: busy"));
    assert_eq!(run.elapsed, Duration::from_secs(6 * 60));
}

#[tokio::test]
async fn a_crash_does_not_count_among_configured_attempts() {
    let mut test = TestEngine::<Doubling>::new();
    test.crash::<double>(1).crash::<double>(3);
    for attempt in [2, 4, 5, 6, 7, 8] {
        test.fail::<double>(attempt, "busy");
    }
    let run = test.config(config(1, "1h")).run(DoublingInput { number: 21 }).await;
    assert_eq!(run.output.as_ref().unwrap(), &42, "six failures and two crashes leave a ninth attempt");
    assert_eq!(run.attempts::<double>(), 9);

    let mut test = TestEngine::<Doubling>::new();
    test.crash::<double>(1).crash::<double>(2).crash::<double>(3);
    let run = test.config(config(1, "1h")).run(DoublingInput { number: 21 }).await;
    assert!(run.output.unwrap_err().to_string().contains("double"), "three crashes end the run");
}

#[tokio::test]
async fn a_configured_timeout_ends_an_attempt() {
    let mut test = TestEngine::<Doubling>::new();
    let mut limited = config(2, "1h");
    limited.fetch.limit = Some(Duration::from_secs(90));
    let run = test.config(limited).run(DoublingInput { number: 21 }).await;
    assert!(run.output.unwrap_err().to_string().contains("timed out after 90s"));
    assert_eq!(run.elapsed, HOUR + Duration::from_secs(180));
}

#[tokio::test]
async fn checks_follow_the_configured_times() {
    for (every, patience, checks) in [("6h", "2d", 8), ("1d", "3d", 3), ("5h", "6h", 2)] {
        let print = PrintConfig { every: every.into(), patience: patience.into(), ..PrintConfig::default() };
        let config = PrintingConfig { print };
        let mut test = TestEngine::<Printing>::new();
        let run = test.config(config).start(PrintingInput { pages: 0 }).await;
        let finished = test.finish(&run).await;
        assert_eq!(
            finished.log().matches("checked").count(),
            checks,
            "{every} {patience}\n{}",
            finished.log()
        );
        let record = run.record().await.unwrap();
        assert_eq!(record.error.unwrap().code, "WAIT_TIMED_OUT");
        assert_eq!(record.status, Status::Failed);
    }
}

#[tokio::test]
async fn values_out_of_range_are_refused_with_their_place_when_the_run_is_created() {
    for (wrong, text) in [
        (config(0, "1h"), "stage `fetch`: `tries` is 0, but must be from 1 to 1000000"),
        (config(2_000_000, "1h"), "stage `fetch`: `tries` is 2000000, but must be from 1 to 1000000"),
        (config(1, "0s"), "stage `fetch`: `pace.first` is 0ns, but must be at least 1ms"),
        (
            config(1, "99999999d"),
            "stage `fetch`: `pace.first` is 8639999913600s, but must be at most 36500 days",
        ),
        (
            config(1, "soon"),
            "stage `fetch`: `pace.first` is \"soon\", but must be a whole number and a unit, \"30s\", \"5m\", \"2h\" \
             or \"1d\"",
        ),
        (config(1, "4h"), "stage `fetch`: `max` of the retry policy is 10800s, but `initial` is 14400s"),
    ] {
        let error = refusal(wrong).await.to_string();
        assert!(error.ends_with(text), "{error}");
    }
    let mut limited = config(1, "1h");
    limited.fetch.limit = Some(Duration::ZERO);
    let error = refusal(limited).await.to_string();
    assert!(error.ends_with("stage `fetch`: `timeLimit` is 0ns, but must be at least 1ms"), "{error}");
}

#[tokio::test]
async fn a_worker_that_claims_the_run_later_applies_its_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("runs.db").display().to_string();
    let front = Engine::builder(&file).register::<Doubling>().without_worker().build().await.unwrap();
    let run = front.start::<Doubling>(DoublingInput { number: 21 }).config(config(5, "1ms")).await.unwrap();
    let worker = Engine::builder(&file).register::<Doubling>().build().await.unwrap();
    assert_eq!(run.output().await.unwrap(), 42);
    assert_eq!(run.attempts::<fetch>().await.unwrap().len(), 5);
    worker.shutdown().await;
    front.shutdown().await;
}

#[test]
fn the_description_names_the_fields() {
    let described = Doubling::definition().to_json();
    assert_eq!(
        described["stages"][0]["configured"],
        serde_json::json!({
            "max_attempts": "tries", "initial": "pace.first", "max": "pace.longest", "timeout": "timeLimit"
        })
    );
}
