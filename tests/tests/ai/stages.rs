//! Stages that call models: their retries after a failed call, and the cost of their run.

use std::time::Duration;

use tests::models::{client, error, usage};
use workflow_engine::Cost;
use workflow_engine::ai::{AiError, AiErrorKind, ScriptedProvider};
use workflow_engine::prelude::*;
use workflow_engine::presets::{AiConfig, ConcurrencyConfig};
use workflow_engine::records::CallStatus;
use workflow_engine::testing::TestEngine;

#[stage(retry(max_attempts = 3, initial = "10s"))]
async fn ask(question: String, #[config(flatten)] ai: AiConfig, ctx: &StageContext) -> StageResult<String> {
    Ok(ctx.ai().generate_text(&ai, question).await?.text)
}

workflow! { asking = ask }

fn question() -> AskInput {
    AskInput { question: "Why?".into() }
}

fn with_model(model: &str) -> AskingConfig {
    AskingConfig { ask: AskConfig { ai: AiConfig { model: model.into(), ..AiConfig::default() } } }
}

#[tokio::test]
async fn a_call_without_a_client_is_an_error() {
    let run = TestEngine::<asking>::new().run(question()).await;
    assert_eq!(run.attempts::<ask>(), 1, "no other attempt would end otherwise");
    let error = run.output.unwrap_err().to_string();
    assert!(
        error.contains("this engine has no client for models: install one with `EngineBuilder::ai`"),
        "{error}"
    );
}

#[tokio::test]
async fn the_kind_of_error_decides_whether_the_stage_is_retried() {
    let hour = Duration::from_secs(3_600);
    for (failures, attempts, least) in [
        (vec![error(AiErrorKind::InvalidRequest, 400)], 1, Duration::ZERO),
        (vec![AiError::new(AiErrorKind::Refused, "no")], 1, Duration::ZERO),
        (vec![AiError::new(AiErrorKind::Timeout, "slow")], 2, Duration::from_secs(10)),
        (vec![error(AiErrorKind::RateLimited, 429).with_retry_after(hour)], 2, hour),
        (vec![error(AiErrorKind::Overloaded, 529); 2], 1, Duration::from_millis(1_500)),
    ] {
        let kind = failures[0].kind();
        let script = failures.into_iter().fold(ScriptedProvider::new("test"), ScriptedProvider::fail);
        let client = client(&script.text("Because.", usage(1, 1))).build().unwrap();
        let run = TestEngine::<asking>::new().config(with_model("m")).ai(client).run(question()).await;
        assert_eq!(run.attempts::<ask>(), attempts, "{kind:?}");
        assert!(
            run.elapsed >= least && run.elapsed < least + Duration::from_secs(60),
            "{kind:?}: {:?}",
            run.elapsed
        );
        let is_permanent = matches!(kind, AiErrorKind::InvalidRequest | AiErrorKind::Refused);
        assert_eq!(run.output.is_err(), is_permanent, "{kind:?}");
    }
}

#[derive(Debug)]
struct Mine(AiError);

impl std::fmt::Display for Mine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the summary failed")
    }
}

impl std::error::Error for Mine {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn the_kind_is_found_behind_the_programs_own_errors() {
    use AiErrorKind as Kind;
    let delay = Duration::from_secs(9);
    let limited = || error(AiErrorKind::RateLimited, 429).with_retry_after(delay);
    for error in [StageError::from(limited()), StageError::from(Mine(limited()))] {
        assert_eq!((error.is_retryable(), error.delay()), (true, Some(delay)));
    }
    let refused = StageError::from(Mine(error(AiErrorKind::InvalidRequest, 400)));
    assert_eq!((refused.is_retryable(), refused.message()), (false, "the summary failed: no"));
    for (kind, is_retryable) in [
        (Kind::RateLimited, true),
        (Kind::Overloaded, true),
        (Kind::Connection, true),
        (Kind::Timeout, true),
        (Kind::InvalidResponse, true),
        (Kind::Ledger, true),
        (Kind::Cancelled, true),
        (Kind::Refused, false),
        (Kind::InvalidRequest, false),
        (Kind::ContextTooLong, false),
        (Kind::Authentication, false),
        (Kind::Truncated, false),
        (Kind::NotFound, false),
        (Kind::Unsupported, false),
        (Kind::BudgetExceeded, false),
    ] {
        assert_eq!(StageError::from(AiError::new(kind, "no")).is_retryable(), is_retryable, "{kind:?}");
    }
    // `anyhow::Error` hides the type of the error that it wraps.
    let wrapped =
        |error: AiError| [anyhow::Error::from(error.clone()), anyhow::Error::from(error).context("page 3")];
    for error in wrapped(limited()).map(StageError::from) {
        assert_eq!((error.is_retryable(), error.delay()), (true, Some(delay)), "{error}");
    }
    let [plain, explained] = wrapped(error(AiErrorKind::InvalidRequest, 400)).map(StageError::from);
    assert_eq!((plain.is_retryable(), plain.message()), (false, "no"));
    assert_eq!((explained.is_retryable(), explained.message()), (false, "page 3: no"));

    let parse = StageError::from("x".parse::<u32>().unwrap_err());
    assert!(parse.is_retryable() && parse.delay().is_none());
}

#[tokio::test]
async fn the_cost_of_a_run_includes_failed_attempts() {
    use CallStatus::{Settled, Unknown};

    let provider = ScriptedProvider::new("test")
        .text("Because.", usage(1_000, 100))
        .fail(AiError::new(AiErrorKind::Timeout, "slow"))
        .text("Because.", usage(1_000, 100))
        .text("Because.", usage(2_000, 100));
    let client = client(&provider).build().unwrap();
    let engine = Engine::builder("memory:").register::<twice>().ai(client).build().await.unwrap();
    let run = engine.start::<twice>(AskTwiceInput { question: "Why?".into() }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 16);
    let costs = run.cost_summary().await.unwrap();
    // The first call was repeated; the call that timed out keeps its reservation.
    assert_eq!(
        (costs.cost.to_string().as_str(), costs.tokens, costs.pending_calls),
        ("0.0052 USD", 4_300, 0)
    );
    assert!(costs.reserved > Cost::ZERO);
    let calls = run.ai_calls().limit(10).await.unwrap();
    let rows: Vec<_> = calls.iter().map(|call| (call.attempt, call.outcome)).collect();
    assert_eq!(rows, [(1, Settled), (1, Unknown), (2, Settled), (2, Settled)]);
    engine.shutdown().await;
}

#[stage(retry(max_attempts = 2, initial = "1ms"))]
async fn ask_twice(question: String, ctx: &StageContext) -> StageResult<usize> {
    let ai = ctx.ai();
    let first = ai.generate_text("m", &question).await?.text;
    let second = ai.child("again", 2).generate_text("m", &question).await?.text;
    Ok(first.len() + second.len())
}

workflow! { twice = ask_twice }

#[stage]
async fn lengths(
    words: Vec<String>,
    #[config(flatten)] speed: ConcurrencyConfig,
    ctx: &StageContext,
) -> StageResult<Vec<usize>> {
    let tries = std::sync::Mutex::new(0);
    ctx.for_each_concurrent(words, &speed, async |word: String| {
        *tries.lock().unwrap() += 1;
        match word.as_str() {
            "hopeless" => Err(StageError::permanent("there is no hope")),
            "twice" if *tries.lock().unwrap() < 3 => Err(StageError::retryable("not yet")),
            word => Ok(word.len()),
        }
    })
    .await
}

workflow! { measuring = lengths }

async fn measured(
    words: &[&str],
    concurrency: usize,
    delay_ms: u64,
    max_retries: u32,
) -> workflow_engine::testing::TestRun<measuring> {
    let speed = ConcurrencyConfig { concurrency, delay_ms, max_retries };
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let config = MeasuringConfig { lengths: LengthsConfig { speed } };
    TestEngine::<measuring>::new().config(config).run(LengthsInput { words }).await
}

#[tokio::test]
async fn results_are_in_order_and_retries_follow_the_engines_clock() {
    let run = measured(&["a", "bcd", "ef"], 2, 0, 0).await;
    assert_eq!((run.output.unwrap(), run.elapsed), (vec![1, 3, 2], Duration::ZERO));
    let run = measured(&["a", "bcd", "ef"], 3, 1_000, 0).await;
    assert_eq!((run.output.unwrap(), run.elapsed), (vec![1, 3, 2], Duration::from_secs(2)));
    let run = measured(&["twice"], 1, 0, 3).await;
    assert_eq!((run.output.unwrap(), run.elapsed), (vec![5], Duration::from_secs(3)));
    let run = measured(&["twice"], 1, 0, 1).await;
    assert!(run.output.is_err(), "one retry is not enough");
    let run = measured(&["a", "hopeless", "twice"], 3, 0, 9).await;
    assert!(run.output.unwrap_err().to_string().contains("there is no hope"));
    assert_eq!(run.elapsed, Duration::ZERO, "the items do not wait for each other");
}
