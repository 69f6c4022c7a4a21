//! What a stage can ask about its run: the caller's metadata and tags, its own place and attempt, and its trace.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tests::events::wait_for;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::RerunFrom;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Caller {
    user: String,
    traceparent: Option<String>,
}

/// What a stage has seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Seen {
    user: Option<String>,
    tags: BTreeMap<String, String>,
    place: (String, String, String, u32),
    attempt: (u32, u32, bool),
    trace: String,
}

async fn seen<S>(ctx: &StageContext<S>) -> StageResult<Seen> {
    Ok(Seen {
        user: ctx.metadata::<Caller>()?.map(|caller| caller.user),
        tags: ctx.tags().await?,
        place: (
            ctx.workflow_id().to_owned(),
            ctx.stage_id().to_owned(),
            ctx.stage_name().to_owned(),
            ctx.stage_number(),
        ),
        attempt: (ctx.generation(), ctx.attempt(), ctx.is_last_attempt()),
        trace: ctx.traceparent(),
    })
}

#[stage(retry(max_attempts = 2, initial = "1s"), name = "First of all")]
async fn first(fails: bool, ctx: &StageContext) -> StageResult<Seen> {
    if fails && ctx.attempt() == 1 {
        assert!(!ctx.is_last_attempt());
        return Err(StageError::retryable("the first attempt fails"));
    }
    seen(ctx).await
}

#[stage(check = looked, poll_every = "1h")]
async fn second(first: Seen) -> StageResult<Seen> {
    Ok(first)
}

#[check]
async fn looked(first: &Seen, ctx: &StageContext) -> StageResult<Check<(Seen, Seen)>> {
    Ok(Check::Ready((first.clone(), seen(ctx).await?)))
}

workflow! { Looking = first >> second }

fn trace_id(traceparent: &str) -> &str {
    traceparent.split('-').nth(1).expect("it has a trace id")
}

async fn a_stage_and_its_check_know_their_run(world: World) {
    let starting = world.engine().register::<Looking>().without_worker().build().await.unwrap();
    let run = starting
        .start::<Looking>(LookingInput { fails: true })
        .metadata(Caller { user: "Ada".into(), traceparent: None })
        .tag("customer", "acme")
        .tag("region", "eu")
        .await
        .unwrap();
    // Another process executes the run, and reads what the caller said from the store.
    let engine = world.engine().register::<Looking>().build().await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    world.clock.advance(Duration::from_secs(1));
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    world.clock.advance(Duration::from_secs(3_600));
    let (first, second) = run.output().await.unwrap();

    for seen in [&first, &second] {
        assert_eq!(seen.user.as_deref(), Some("Ada"));
        let tags: Vec<(&str, &str)> = seen.tags.iter().map(|(key, value)| (&**key, &**value)).collect();
        assert_eq!(tags, [("customer", "acme"), ("region", "eu")]);
    }
    assert_eq!(first.place, ("looking".into(), "first".into(), "First of all".into(), 1));
    assert_eq!(second.place, ("looking".into(), "second".into(), "Second".into(), 2));
    assert_eq!(first.attempt, (1, 2, true));
    assert_eq!(second.attempt, (1, 1, false));
    assert_eq!(trace_id(&first.trace), run.id().to_string().replace('-', ""));
    assert_eq!(trace_id(&second.trace), trace_id(&first.trace));
    assert_ne!(second.trace, first.trace, "each attempt is a span of its own");

    // They stay with a rerun.
    let rerun =
        RerunFrom { run_id: run.id(), from_stage_id: "second".into(), idempotency_key: None, dry_run: false };
    engine.dispatch(rerun).await.unwrap();
    let suspensions = Cell::new(0);
    let is_second = |kind: &EventKind| {
        suspensions.set(suspensions.get() + u32::from(matches!(kind, EventKind::StageSuspended { .. })));
        suspensions.get() == 2
    };
    wait_for(&run, is_second).await;
    world.clock.advance(Duration::from_secs(3_600));
    let (_, again) = run.output().await.unwrap();
    assert_eq!((again.user, again.tags), (second.user, second.tags));
    assert_eq!(again.attempt.0, 2);
    engine.shutdown().await;
}

async fn a_run_without_metadata_and_tags_has_none(world: World) {
    let engine = world.engine().register::<Looking>().build().await.unwrap();
    let run = engine.start::<Looking>(LookingInput { fails: false }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    world.clock.advance(Duration::from_secs(3_600));
    let (first, _) = run.output().await.unwrap();
    assert_eq!((first.user, first.tags.len()), (None, 0));
    engine.shutdown().await;
}

#[tokio::test]
async fn the_trace_of_a_request_is_set_beside_metadata() {
    let engine = Engine::builder("memory:").register::<Looking>().build().await.unwrap();
    let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let start = || engine.start::<Looking>(LookingInput { fails: false }).traceparent(header);

    let run = start().await.unwrap();
    assert_eq!(run.metadata().await.unwrap().unwrap().as_str(), format!("{{\"traceparent\":\"{header}\"}}"));
    let run = start().metadata(BTreeMap::from([("user", "Ada")])).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    let seen = run.stage_output::<first>().await.unwrap().unwrap();
    assert_eq!((seen.user.as_deref(), trace_id(&seen.trace)), (Some("Ada"), trace_id(header)));

    for refused in [
        engine.start::<Looking>(LookingInput { fails: false }).traceparent("00-4bf9-00f0-01"),
        start().metadata("a text"),
        start().metadata(Caller { user: "Ada".into(), traceparent: None }),
    ] {
        let error = refused.await.unwrap_err();
        assert_eq!(error.code(), workflow_engine::ErrorCode::InvalidRequest);
        assert!(error.to_string().contains("`traceparent`"), "{error}");
    }
    engine.shutdown().await;
}

async fn a_run_continues_the_trace_of_its_caller(world: World) {
    let engine = world.engine().register::<Looking>().build().await.unwrap();
    let of_caller = "4bf92f3577b34da6a3ce929d0e0e4736";
    let zeros = "00000000000000000000000000000000";
    for (traceparent, continues) in [
        (format!("00-{of_caller}-00f067aa0ba902b7-00"), true),
        (format!("00-{of_caller}-00f067aa0ba902b7"), false),
        (format!("00-{zeros}-00f067aa0ba902b7-01"), false),
        (format!("ff-{of_caller}-00f067aa0ba902b7-01"), false),
        ("nonsense".to_owned(), false),
    ] {
        let run = engine
            .start::<Looking>(LookingInput { fails: false })
            .metadata(Caller { user: "Ada".into(), traceparent: Some(traceparent.clone()) })
            .await
            .unwrap();
        wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
        world.clock.advance(Duration::from_secs(3_600));
        let (first, second) = run.output().await.unwrap();
        assert_eq!(trace_id(&first.trace) == of_caller, continues, "{traceparent}");
        assert_eq!(trace_id(&first.trace), trace_id(&second.trace));
        let flags = if continues { "-00" } else { "-01" };
        assert!(first.trace.ends_with(flags) && first.trace.len() == 55, "{}", first.trace);
        assert!(!first.trace.contains("00f067aa0ba902b7"), "the span is the attempt's own");
    }
    engine.shutdown().await;
}

async fn metadata_of_another_type_fails_the_stage_at_once(world: World) {
    let engine = world.engine().register::<Looking>().build().await.unwrap();
    let run = engine.start::<Looking>(LookingInput { fails: false }).metadata(["Ada"]).await.unwrap();
    let error = run.output().await.unwrap_err().to_string();
    let text = format!(
        "stage `first` failed after 1 attempt: the metadata of run {} is not a `runs::run_details::Caller`",
        run.id()
    );
    assert!(error.contains(&text), "{error}");
    engine.shutdown().await;
}

on_every_store!(
    a_stage_and_its_check_know_their_run,
    a_run_without_metadata_and_tags_has_none,
    a_run_continues_the_trace_of_its_caller,
    metadata_of_another_type_fails_the_stage_at_once,
);
