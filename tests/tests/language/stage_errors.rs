//! The errors of stages: their causes are kept, and errors of the program decide what follows.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use tests::events::wait_for;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::{Retry, RetryDecision};

/// An error with a chain of causes.
#[derive(Debug)]
struct Layer {
    text: String,
    cause: Option<Box<Layer>>,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Layer {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }
}

/// The first text is that of the outermost error.
fn layers<'a>(texts: impl DoubleEndedIterator<Item = &'a str>) -> Layer {
    let layer = |cause, text: &str| Some(Box::new(Layer { text: text.to_owned(), cause }));
    *texts.rev().fold(None, layer).expect("there is a text")
}

#[stage(retry(max_attempts = 2, initial = "1s"))]
async fn fetch(texts: Vec<String>) -> StageResult<u32> {
    Err(layers(texts.iter().map(String::as_str)))?
}

workflow! { Fetching = fetch }

/// Runs the stage to its end, and returns the error of the stage in its record, which is also that of its events and of the
/// run.
async fn stored_error(world: &World, engine: &Engine, texts: Vec<String>) -> String {
    let run = engine.start::<Fetching>(FetchingInput { texts }).await.unwrap();
    let retrying = wait_for(&run, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    world.clock.advance(Duration::from_secs(1));
    let failed = wait_for(&run, |kind| matches!(kind, EventKind::StageFailed { .. })).await;
    let shown = run.output().await.unwrap_err().to_string();

    let (EventKind::StageRetrying { error: first, .. }, EventKind::StageFailed { error: last, .. }) =
        (retrying, failed)
    else {
        unreachable!()
    };
    let stored = world.store.stages(run.id()).await.unwrap()[0].error_message.clone().unwrap();
    assert_eq!((&first, &last), (&stored, &stored));
    let of_run = run.record().await.unwrap().error.unwrap().message;
    assert_eq!(of_run, format!("stage `fetch` failed after 2 attempts: {stored}"));
    assert!(shown.ends_with(&of_run));
    stored
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

async fn the_causes_of_an_error_are_kept_with_the_stage_its_events_and_its_run(world: World) {
    let engine = world.engine().register::<Fetching>().build().await.unwrap();
    let texts =
        owned(&["cannot fetch the invoice", "the request failed", "connection refused (os error 111)"]);
    assert_eq!(
        stored_error(&world, &engine, texts).await,
        "cannot fetch the invoice: the request failed: connection refused (os error 111)"
    );
    // A library that repeats its source in its own text.
    let texts = owned(&["the request failed: connection refused", "connection refused"]);
    assert_eq!(stored_error(&world, &engine, texts).await, "the request failed: connection refused");
}

async fn a_long_chain_of_causes_keeps_what_failed_and_why(world: World) {
    let engine = world.engine().register::<Fetching>().build().await.unwrap();
    let mut texts: Vec<String> = (0..100).map(|layer| format!("layer {layer} {}", "é".repeat(500))).collect();
    texts.push("the disk is full".to_owned());
    let stored = stored_error(&world, &engine, texts).await;
    assert!(stored.len() <= 8 * 1024, "{} bytes", stored.len());
    assert!(stored.starts_with("layer 0 é"), "{stored}");
    assert!(stored.contains("é: …: layer "), "{stored}");
    assert!(stored.ends_with("é: the disk is full"), "{stored}");

    // One text that is longer than all of them may be.
    let stored = stored_error(&world, &engine, vec!["é".repeat(10_000), "the disk is full".into()]).await;
    assert!(stored.len() <= 8 * 1024 && stored.len() > 8_000, "{} bytes", stored.len());
    assert!(stored.ends_with("é: …: the disk is full"), "{stored}");

    // A cause of any length leaves room for what failed.
    let stored = stored_error(&world, &engine, vec!["it failed".into(), "é".repeat(10_000)]).await;
    assert!(
        stored.len() <= 3 * 1024 && stored.starts_with("it failed: é") && stored.ends_with("é…"),
        "{stored}"
    );
}

async fn passwords_of_urls_are_not_stored(world: World) {
    let engine = world.engine().register::<Fetching>().build().await.unwrap();
    let texts = owned(&["cannot open postgres://app:secret@db/app", "GET https://u:secret@host/x failed"]);
    assert_eq!(
        stored_error(&world, &engine, texts).await,
        "cannot open postgres://app:[…]@db/app: GET https://u:[…]@host/x failed"
    );
    assert_eq!(
        StageError::permanent("cannot open postgres://app:secret@db/app").message(),
        "cannot open postgres://app:[…]@db/app"
    );
}

/// An error that is its own cause.
#[derive(Debug)]
struct Circle;

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("round and round")
    }
}

impl StdError for Circle {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&Circle)
    }
}

#[test]
fn a_circle_of_causes_ends() {
    assert_eq!(StageError::from(Circle).message(), "round and round");
}

#[test]
fn the_causes_of_a_report_are_kept_by_every_constructor() {
    let report = || anyhow::Error::new(layers(["no rates", "the service is down"].into_iter()));
    let text = "no rates: the service is down";
    assert_eq!(StageError::from(report()).message(), text);
    assert_eq!(StageError::permanent(report()).message(), text);
    assert_eq!(StageError::retry_after(report(), Duration::from_secs(1)).message(), text);
    let permanent = StageError::from(layers(["no rates", "the service is down"].into_iter())).without_retry();
    assert_eq!((permanent.message(), permanent.is_retryable()), (text, false));
}

/// An error of the program, which decides what follows.
#[derive(Debug)]
enum ChargeError {
    Declined(Layer),
    Busy,
    Lost,
}

impl fmt::Display for ChargeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Declined(_) => "the card was declined",
            Self::Busy => "the bank is busy",
            Self::Lost => "the connection is lost",
        })
    }
}

impl StdError for ChargeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Declined(reason) => Some(reason),
            Self::Busy | Self::Lost => None,
        }
    }
}

impl RetryDecision for ChargeError {
    fn retry(&self) -> Retry {
        match self {
            Self::Declined(_) => Retry::Never,
            Self::Busy => Retry::After(Duration::from_secs(3_600)),
            Self::Lost => Retry::ByPolicy,
        }
    }
}

#[stage(retry(max_attempts = 3, initial = "1s"))]
async fn charge(cents: u32, ctx: &StageContext) -> Result<u32, ChargeError> {
    match (cents, ctx.attempt()) {
        (0, _) => Err(ChargeError::Declined(layers(["no cents"].into_iter()))),
        (_, 1) => Err(ChargeError::Lost),
        (_, 2) => Err(ChargeError::Busy),
        _ => Ok(cents),
    }
}

workflow! { Charging = charge }

async fn an_error_of_the_program_decides_what_follows(world: World) {
    let engine = world.engine().register::<Charging>().build().await.unwrap();
    let run = engine.start::<Charging>(ChargingInput { cents: 0 }).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    assert!(
        error.ends_with("stage `charge` failed after 1 attempt: the card was declined: no cents"),
        "{error}"
    );

    let run = engine.start::<Charging>(ChargingInput { cents: 5 }).await.unwrap();
    for (failed, delay) in [(1, 1_000), (2, 3_600_000)] {
        let retrying = wait_for(
            &run,
            |kind| matches!(kind, EventKind::StageRetrying { attempt, .. } if *attempt == failed),
        )
        .await;
        let EventKind::StageRetrying { delay_ms, .. } = retrying else { unreachable!() };
        assert_eq!(delay_ms, delay);
        world.clock.advance(Duration::from_millis(delay));
    }
    assert_eq!(run.output().await.unwrap(), 5);
    engine.shutdown().await;
}

/// An error that is not a `std::error::Error`.
struct Closed;

impl From<Closed> for StageError {
    fn from(_: Closed) -> Self {
        Self::permanent("the shop is closed")
    }
}

#[stage(check = opened, poll_every = "1s")]
async fn visit(number: u32) -> Result<u32, Closed> {
    if number == 0 { Err(Closed) } else { Ok(number) }
}

#[check]
async fn opened(number: &u32) -> Result<Check<u32>, ChargeError> {
    match number {
        1 => Err(ChargeError::Declined(layers(["no visitors"].into_iter()))),
        number => Ok(Check::Ready(*number)),
    }
}

workflow! { Visiting = visit }

async fn the_error_of_a_check_and_a_conversion_of_ones_own_decide_too(world: World) {
    let engine = world.engine().register::<Visiting>().build().await.unwrap();
    let run = engine.start::<Visiting>(VisitingInput { number: 0 }).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    assert!(error.ends_with("stage `visit` failed after 1 attempt: the shop is closed"), "{error}");

    let run = engine.start::<Visiting>(VisitingInput { number: 1 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    world.clock.advance(Duration::from_secs(1));
    let error = run.output().await.unwrap_err().to_string();
    assert!(
        error.ends_with("failed after 1 attempt to check it: the card was declined: no visitors"),
        "{error}"
    );
    engine.shutdown().await;
}

on_every_store!(
    the_causes_of_an_error_are_kept_with_the_stage_its_events_and_its_run,
    a_long_chain_of_causes_keeps_what_failed_and_why,
    passwords_of_urls_are_not_stored,
    an_error_of_the_program_decides_what_follows,
    the_error_of_a_check_and_a_conversion_of_ones_own_decide_too,
);
