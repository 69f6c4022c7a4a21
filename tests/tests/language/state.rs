//! Values that the program gives to its stages.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tests::events::wait_for;
use tests::on_every_store;
use tests::world::World;
use tokio::sync::Semaphore;
use workflow_engine::ai::{AiClient, ScriptedProvider};
use workflow_engine::kernel::{ClaimPendingRuns, ExecuteJob};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::serverless::{JobMessage, ServerlessSettings};
use workflow_engine::testing::TestEngine;
use workflow_engine::value::NoInput;
use workflow_engine::{EngineBuilder, ErrorCode};

/// The number of calls.
#[derive(Default)]
struct Counter(AtomicU32);

impl Counter {
    fn next(&self) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// A client that is cheap to clone.
#[derive(Clone)]
struct Client(Arc<Mutex<Vec<String>>>);

trait Rates: Send + Sync {
    fn rate(&self) -> u32;
}

struct Fixed(u32);

impl Rates for Fixed {
    fn rate(&self) -> u32 {
        self.0
    }
}

#[stage(retry(max_attempts = 2, initial = "1s"))]
async fn count(number: u32, #[state] counter: &Counter) -> StageResult<u32> {
    if counter.next() == 1 {
        return Err(StageError::retryable("the first call fails"));
    }
    Ok(number)
}

#[stage(check = delivered, poll_every = "1h")]
async fn send(number: u32, #[state] rates: &Arc<dyn Rates>, #[state] client: Client) -> StageResult<String> {
    let text = (number * rates.rate()).to_string();
    client.0.lock().unwrap().push(text.clone());
    Ok(text)
}

#[check]
async fn delivered(ticket: &String, #[state] counter: &Counter) -> StageResult<Check<String>> {
    Ok(if counter.next() < 3 { Check::Pending } else { Check::Ready(format!("sent {ticket}")) })
}

workflow! { Sending = count >> send }

fn with_state(builder: EngineBuilder) -> (EngineBuilder, Client) {
    let client = Client(Arc::default());
    let rates: Arc<dyn Rates> = Arc::new(Fixed(3));
    (builder.state(Counter::default()).state(rates).state(client.clone()), client)
}

async fn a_stage_and_its_check_take_what_the_program_has(world: World) {
    let (builder, client) = with_state(world.engine().register::<Sending>());
    let engine = builder.build().await.unwrap();
    let run = engine.start::<Sending>(SendingInput { number: 7 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    world.clock.advance(Duration::from_secs(1));
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(run.output().await.unwrap(), "sent 21");
    assert_eq!(*client.0.lock().unwrap(), ["21"]);
    engine.shutdown().await;
}

async fn an_engine_without_a_worker_needs_no_state_and_executes_nothing_without_it(world: World) {
    let front = world.engine().register::<Sending>().without_worker().build().await.unwrap();
    let run = front.start::<Sending>(SendingInput { number: 2 }).await.unwrap();
    let start = ClaimPendingRuns { worker_id: "by-hand".into(), limit: 1, slots: 0 };
    assert_eq!(front.dispatch(start).await.unwrap().claimed.len(), 1);
    let before = world.store.events(run.id(), 0, 100).await.unwrap().len();

    let refused = front.serverless(ServerlessSettings::default()).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::MissingState);
    let execute = ExecuteJob {
        worker_id: "by-hand".into(),
        run_id: run.id(),
        stage_key: "count".into(),
        idempotency_key: None,
    };
    let refused = front.dispatch(execute).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::MissingState);
    assert_eq!(world.store.events(run.id(), 0, 100).await.unwrap().len(), before, "nothing was claimed");

    // A process with the values executes the run.
    let (builder, client) = with_state(world.engine().register::<Sending>());
    let host = builder.without_worker().build().await.unwrap();
    let host = host.serverless(ServerlessSettings::default()).unwrap();
    for seconds in [0, 1] {
        world.clock.advance(Duration::from_secs(seconds));
        let message = JobMessage { run_id: run.id(), stage_key: Some("count".into()) };
        host.handle_job(message).await.unwrap();
    }
    let message = JobMessage { run_id: run.id(), stage_key: Some("send".into()) };
    host.handle_job(message).await.unwrap();
    assert_eq!(*client.0.lock().unwrap(), ["6"]);
}

/// The value of a process that starts slowly.
struct Slow(u32);

#[stage]
async fn read(number: u32, #[state] slow: &Slow, #[state] order: &Client) -> StageResult<u32> {
    order.0.lock().unwrap().push("body".into());
    Ok(number + slow.0)
}

workflow! { Reading = read }

async fn no_body_begins_before_the_state_is_complete(world: World) {
    let front = world.engine().register::<Reading>().without_worker().build().await.unwrap();
    let run = front.start::<Reading>(ReadingInput { number: 1 }).await.unwrap();

    let order = Client(Arc::default());
    let (begun, go) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let make = {
        let (order, begun, go) = (order.clone(), Arc::clone(&begun), Arc::clone(&go));
        async move || {
            begun.add_permits(1);
            go.acquire().await?.forget();
            order.0.lock().unwrap().push("state".into());
            Ok::<_, tokio::sync::AcquireError>(Slow(41))
        }
    };
    let builder = world.engine().register::<Reading>().state_with(make).state(order.clone());
    let build = tokio::spawn(builder.build());
    begun.acquire().await.unwrap().forget();
    assert_eq!(run.status().await.unwrap(), Status::Pending);
    go.add_permits(1);
    let engine = build.await.unwrap().unwrap();
    assert_eq!(run.output().await.unwrap(), 42);
    assert_eq!(*order.0.lock().unwrap(), ["state", "body"]);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_missing_value_is_an_error_of_build_that_names_the_stage_the_type_and_what_to_write() {
    let builder = Engine::builder("memory:").register::<Reading>().state(Slow(1));
    let error = builder.build().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::MissingState);
    assert!(error.is_invalid_input());
    assert_eq!(
        error.to_string(),
        "stage `read` of workflow `reading` takes `#[state]` of type `Client`, but the engine has no such value: write \
         `.state(value)` with a `language::state::Client` before `.build()` (it has `language::state::Slow`)"
    );
}

#[tokio::test]
async fn every_missing_value_is_named_once_with_those_of_checks() {
    let builder = Engine::builder("memory:").register::<Sending>().register::<Reading>();
    let error = builder.build().await.unwrap_err().to_string();
    let named: Vec<&str> = error.split("; ").collect();
    let [slow, client, counter, rates] = named.as_slice() else { panic!("{error}") };
    assert!(
        client.starts_with("stage `read` of workflow `reading` takes `#[state]` of type `Client`"),
        "{client}"
    );
    assert!(slow.starts_with("stage `read` of workflow `reading` takes `#[state]` of type `Slow`"), "{slow}");
    assert!(counter.starts_with("stage `count` of workflow `sending` takes `#[state]` of type `Counter`"));
    assert!(
        rates.starts_with("stage `send` of workflow `sending` takes `#[state]` of type `Arc<dyn Rates>`")
    );
    assert!(rates.ends_with("(it has no state)"));
}

#[tokio::test]
async fn two_values_of_one_type_are_an_error_of_build() {
    let refused = async |builder: EngineBuilder| {
        let error = builder.without_worker().build().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DuplicateState);
        error.to_string()
    };
    let text = refused(Engine::builder("memory:").state(Slow(1)).state(Slow(2))).await;
    assert_eq!(
        text,
        "the engine was given two values of type `language::state::Slow` as state, but stages find a value by its type: wrap one of them \
         in a type of its own, `struct Replica(language::state::Slow)`"
    );
    let make = async || Ok::<_, std::io::Error>(Slow(3));
    assert_eq!(refused(Engine::builder("memory:").state(Slow(1)).state_with(make)).await, text);
    assert_eq!(refused(Engine::builder("memory:").state_with(make).state(Slow(1))).await, text);
    let client = AiClient::builder().provider(ScriptedProvider::new("google")).build().unwrap();
    let text = refused(Engine::builder("memory:").ai(client.clone()).state(client)).await;
    assert!(text.contains("AiClient"), "{text}");
}

#[tokio::test]
async fn a_function_that_fails_ends_the_build_with_its_error_and_closes_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db");
    let failing = async || Err::<Slow, _>(std::io::Error::other("the rates are unavailable"));
    let builder = Engine::builder(path.as_path()).state_with(failing);
    let error = builder.build().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateFailed);
    assert_eq!(
        error.to_string(),
        "the state of type `language::state::Slow` cannot be made: the rates are unavailable"
    );
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the rates are unavailable");
    // The last connection to a file that is closed removes the write-ahead log.
    assert!(!folder.path().join("runs.db-wal").exists());
}

#[tokio::test]
async fn a_test_engine_shares_its_state_between_its_processes() {
    let mut test = TestEngine::<Reading>::new();
    let order = Client(Arc::default());
    test.state(Slow(41)).state(order.clone());
    let commits = test.crash_everywhere(|| ReadingInput { number: 1 }, |output| assert_eq!(output, 42)).await;
    assert!(order.0.lock().unwrap().len() >= 2 * commits);
}

#[tokio::test]
async fn a_missing_value_of_a_test_engine_is_named() {
    let run = tokio::spawn(async {
        TestEngine::<Reading>::new().state(Slow(1)).run(ReadingInput { number: 1 }).await
    });
    let Err(panicked) = run.await else { panic!("it ran") };
    let text = *panicked.into_panic().downcast::<String>().unwrap();
    assert!(text.contains("takes `#[state]` of type `Client`"), "{text}");
    // What it has are the values of the test alone.
    assert!(text.contains("(it has `language::state::Slow`)"), "{text}");
}

#[stage]
async fn models(#[state] client: &AiClient, ctx: &StageContext) -> StageResult<usize> {
    let _ = ctx.ai();
    Ok(client.models().list_models(&workflow_engine::ai::ModelFilter::new()).len())
}

workflow! { Listing = models }

#[tokio::test]
async fn the_client_of_models_is_state() {
    let client = AiClient::builder().provider(ScriptedProvider::new("google")).build().unwrap();
    let known = client.models().list_models(&workflow_engine::ai::ModelFilter::new()).len();
    let engine = Engine::builder("memory:").register::<Listing>().ai(client).build().await.unwrap();
    let run = engine.start::<Listing>(NoInput).await.unwrap();
    assert_eq!(run.output().await.unwrap(), known);
    engine.shutdown().await;

    let error = Engine::builder("memory:").register::<Listing>().build().await.unwrap_err();
    assert!(error.to_string().contains("takes `#[state]` of type `AiClient`"), "{error}");
}

on_every_store!(
    a_stage_and_its_check_take_what_the_program_has,
    an_engine_without_a_worker_needs_no_state_and_executes_nothing_without_it,
    no_body_begins_before_the_state_is_complete,
);
