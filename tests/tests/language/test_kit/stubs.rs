//! Stubs: outputs, errors and functions that replace the bodies of stages.

use std::time::Duration;

use workflow_engine::prelude::*;
use workflow_engine::testing::{RunState, TestEngine};

/// A stage that would need the network.
#[stage(retry(max_attempts = 3, initial = "1m", max = "1m"))]
async fn fetch(url: String, #[config(default = 1)] retries: u32) -> StageResult<Vec<u32>> {
    Err(StageError::permanent(format!("no network for {url} ({retries})")))
}

/// A stage that would wait for a person.
#[stage(check = approved, poll_every = "1d", give_up_after = "30d")]
async fn ask(numbers: Vec<u32>) -> StageResult<u64> {
    Err(StageError::permanent(format!("no one can be asked about {numbers:?}")))
}

#[check]
async fn approved(ticket: &u64) -> StageResult<Check<bool>> {
    Err(StageError::permanent(format!("no one has ticket {ticket}")))
}

#[stage]
async fn total(approved: bool, #[require(fetch)] numbers: Vec<u32>) -> StageResult<Option<u32>> {
    Ok(approved.then(|| numbers.iter().sum()))
}

workflow! { Summing = fetch >> ask >> total }

fn url() -> FetchInput {
    FetchInput { url: "a.example".into() }
}

#[tokio::test]
async fn an_output_replaces_the_body_also_of_a_stage_that_waits() {
    let mut test = TestEngine::<Summing>::new();
    test.stub::<fetch>(vec![1, 2, 3]).stub::<ask>(true).suspend::<ask>(1);
    let run = test.run(url()).await;
    assert_eq!(run.output.unwrap(), Some(6));
    assert_eq!(run.outputs.fetch, Some(vec![1, 2, 3]), "the output is stored like that of a body");
    assert_eq!(run.elapsed, Duration::from_secs(2 * 24 * 3600), "the stage waits for its checks");
}

#[tokio::test]
async fn an_error_fails_each_attempt_and_its_kind_decides_on_a_retry() {
    let mut test = TestEngine::<Summing>::new();
    let run = test.stub_error::<fetch>(StageError::retryable("busy")).run(url()).await;
    assert_eq!(run.attempts::<fetch>(), 3);
    assert!(run.output.unwrap_err().to_string().ends_with("stage `fetch` failed after 3 attempts: busy"));

    let mut test = TestEngine::<Summing>::new();
    let run = test.stub_error::<fetch>(StageError::permanent("gone")).run(url()).await;
    assert_eq!(run.attempts::<fetch>(), 1);
}

#[tokio::test]
async fn a_function_receives_the_input_and_the_context() {
    let mut test = TestEngine::<Summing>::new();
    test.stub_with::<fetch>(|input, ctx| {
        ctx.record_metric("length", 9.0)?;
        match (input.url.as_str(), ctx.attempt()) {
            ("a.example", 1) => Err(StageError::retry_after("busy", Duration::from_secs(10))),
            ("a.example", attempt) => Ok(vec![attempt]),
            _ => Err(StageError::permanent("another address")),
        }
    });
    test.stub_with::<ask>(|input, _| Ok(input.numbers.len() == 1));
    let run = test.start(url()).await;
    let state = test.run_until(&run, RunState::has_completed::<fetch>).await;
    assert_eq!(state.elapsed, Duration::from_secs(10));
    assert!((state.stage::<fetch>().unwrap().metrics["length"] - 9.0).abs() < f64::EPSILON);
    assert_eq!(test.finish(&run).await.output.unwrap(), Some(2));
}

#[tokio::test]
async fn planned_faults_and_crashes_happen_before_the_stub() {
    let mut test = TestEngine::<Summing>::new();
    test.stub::<fetch>(vec![1]).stub::<ask>(true).fail::<fetch>(1, "busy").crash::<fetch>(2);
    let run = test.run(url()).await;
    assert_eq!((run.attempts::<fetch>(), run.output.unwrap()), (3, Some(1)));

    let mut test = TestEngine::<Summing>::new();
    test.stub::<fetch>(vec![1, 2]).stub::<ask>(true);
    let points = test.crash_everywhere(url, |output| assert_eq!(output, Some(3))).await;
    assert!(points >= 8, "{points}");
}

#[tokio::test]
async fn a_stub_that_panics_fails_the_attempt_like_a_body() {
    let mut test = TestEngine::<Summing>::new();
    test.stub_with::<fetch>(|_, _| panic!("a mistake in the test"));
    let error = test.run(url()).await.output.unwrap_err();
    assert!(error.to_string().contains("panicked: a mistake in the test"), "{error}");
}

/// A connection that a test has not.
struct Archive;

#[stage]
async fn keep(page: String, #[state] archive: &Archive) -> StageResult<usize> {
    let Archive = archive;
    Ok(page.len())
}

workflow! { keeping = keep }

#[tokio::test]
async fn a_stub_needs_no_state_of_its_stage() {
    let run = TestEngine::<keeping>::new().stub::<keep>(7).run(KeepInput { page: "a".into() }).await;
    assert_eq!(run.output.unwrap(), 7);
}
