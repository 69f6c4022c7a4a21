//! Runs that a stage starts and does not wait for.

use std::time::Duration;

use futures_util::future::try_join;

use tests::exact_count::exact_count;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::ledger::{CallOutcome, CallReservation, SettledCall};
use workflow_engine::prelude::*;
use workflow_engine::records::CallType;
use workflow_engine::{Engine, ErrorCode, RunFilter, RunId};

async fn spend(ctx: &StageContext, cost: &str) -> StageResult<()> {
    let call = CallReservation {
        topic: "test".into(),
        call_type: CallType::Text,
        model_key: "model".into(),
        model_id: "model-1".into(),
        prompt: None,
        metadata: None,
        reserve: "1 USD".parse()?,
    };
    let id = ctx.ledger().reserve(call).await?;
    let settled = SettledCall { cost: cost.parse()?, output_tokens: 2, ..Default::default() };
    Ok(ctx.ledger().settle(id, CallOutcome::Settled(settled)).await?)
}

#[stage]
async fn greet(name: String, ctx: &StageContext) -> StageResult<String> {
    spend(ctx, "0.02 USD").await?;
    Ok(format!("Hello, {name}"))
}

workflow! { greeting = greet }

/// Starts a run for each name. The first attempt fails after that where it is to.
#[stage(retry(max_attempts = 2, initial = "1ms"))]
async fn invite(names: Vec<String>, fails: bool, ctx: &StageContext) -> StageResult<Vec<RunId>> {
    spend(ctx, "0.01 USD").await?;
    let mut ids = Vec::new();
    for name in names {
        ids.push(ctx.start::<greeting>(GreetInput { name }).await?);
    }
    if fails && ctx.attempt() == 1 {
        return Err("not yet".into());
    }
    Ok(ids)
}

workflow! { party = invite }

#[stage]
async fn once(name: String, key: String, ctx: &StageContext) -> StageResult<Vec<RunId>> {
    let start = || ctx.start::<greeting>(GreetInput { name: name.clone() }).idempotency_key(&key);
    let (first, second) = try_join(start().into_future(), start().into_future()).await?;
    Ok(vec![first, second, start().await?])
}

workflow! { keyed = once }

#[stage]
async fn plan(ctx: &StageContext) -> StageResult<RunId> {
    ctx.start::<greeting>(GreetInput { name: "later".into() })
        .priority(7)
        .tag("size", "small")
        .metadata("from the plan")
        .after(Duration::from_secs(60))
        .deadline(Duration::from_secs(600))
        .await
}

workflow! { planning = plan }

/// Starts itself again.
#[stage]
async fn descend(left: u32, ctx: &StageContext) -> StageResult<Option<RunId>> {
    if left == 0 {
        return Ok(None);
    }
    Ok(Some(ctx.start::<descending>(DescendInput { left: left - 1 }).await?))
}

workflow! { descending = descend }

/// Starts this many runs, which are not due during the test.
#[stage]
async fn summon(number: usize, ctx: &StageContext) -> StageResult<usize> {
    for guest in 0..number {
        let start = ctx.start::<greeting>(GreetInput { name: format!("guest {guest}") });
        start.after(Duration::from_secs(3_600)).await?;
    }
    Ok(number)
}

workflow! { crowd = summon }

async fn engine(world: &World) -> Engine {
    let builder = world.engine().register::<party>().register::<greeting>().register::<keyed>();
    let builder = builder.register::<planning>().register::<descending>().register::<crowd>();
    builder.build().await.unwrap()
}

async fn children_are_created_with_the_stage(world: World) {
    let engine = engine(&world).await;
    let input = InviteInput { names: vec!["Ada".into(), "Alan".into()], fails: false };
    let run = engine
        .start::<party>(input)
        .priority(6)
        .tag("customer", "acme")
        .tag("schedule", "nightly")
        .await
        .unwrap();
    let ids = run.output().await.unwrap();
    for (id, name) in ids.iter().zip(["Ada", "Alan"]) {
        let child = engine.run_handle::<greeting>(*id).await.unwrap();
        assert_eq!(child.output().await.unwrap(), format!("Hello, {name}"));
        let record = child.record().await.unwrap();
        let parent = record.parent.clone().unwrap();
        assert_eq!((parent.run_id, &*parent.stage_key.id), (run.id(), "invite"));
        assert_eq!((parent.generation, parent.depth, parent.is_awaited), (1, 1, false));
        assert_eq!((record.depth(), record.priority), (1, 6));
        let tags = child.tags().await.unwrap();
        assert_eq!(
            (tags.len(), tags["customer"].as_str()),
            (1, "acme"),
            "the schedule has not started the child"
        );
    }
    let mut children: Vec<_> = run.children().await.unwrap().items.iter().map(|child| child.id).collect();
    children.sort();
    let mut ids = ids;
    ids.sort();
    assert_eq!(children, ids);
    let own = engine.runs(&RunFilter::new().parent(run.id()).workflow::<party>()).await.unwrap();
    assert_eq!(own.items, []);
    assert_eq!(run.record().await.unwrap().parent, None);
}

async fn a_failed_attempt_starts_nothing(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<party>(InviteInput { names: vec!["Ada".into()], fails: true });
    let run = run.await.unwrap();
    tests::events::wait_for(&run, |kind| kind.name() == "stage:retrying").await;
    world.clock.advance(Duration::from_secs(1));
    let ids = run.output().await.unwrap();
    let children = run.children().await.unwrap();
    assert_eq!(children.items.iter().map(|child| child.id).collect::<Vec<_>>(), ids);
}

async fn a_rerun_starts_new_children(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<party>(InviteInput { names: vec!["Ada".into()], fails: false });
    let run = run.await.unwrap();
    let first = run.output().await.unwrap();
    run.rerun_from::<invite>().await.unwrap();
    let second = run.output().await.unwrap();
    assert_ne!(first, second);
    let children = run.children().await.unwrap();
    let generations: Vec<_> =
        children.items.iter().map(|child| child.parent.as_ref().unwrap().generation).collect();
    assert_eq!(generations, [2, 1]);
}

async fn a_key_starts_once(world: World) {
    let engine = engine(&world).await;
    let start =
        |name: &str| engine.start::<keyed>(OnceInput { name: name.into(), key: "one".into() }).into_future();
    let first = start("Ada").await.unwrap().output().await.unwrap();
    assert!(first.iter().all(|id| *id == first[0]), "one attempt starts a key once: {first:?}");
    let second = start("Ada").await.unwrap();
    assert_eq!(second.output().await.unwrap(), first);
    assert_eq!(second.children().await.unwrap().items, [], "the first run has started it");
    let other = start("Alan").await.unwrap();
    assert!(other.output().await.unwrap_err().is_run_failed());
    let error = other.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::IdempotencyConflict.as_str());
    // The key is that of `run.create`.
    let own = engine.start::<greeting>(GreetInput { name: "Ada".into() }).idempotency_key("one");
    assert_eq!(own.await.unwrap().id(), first[0]);
}

async fn the_options_are_those_of_a_start(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<planning>(PlanningInput {}).tag("size", "large").tag("customer", "acme");
    let run = run.await.unwrap();
    let child = engine.any_run(run.output().await.unwrap()).await.unwrap();
    let record = child.record().await.unwrap();
    assert_eq!((record.status, record.priority), (Status::Pending, 7));
    assert_eq!(record.times.due_after, Some(Duration::from_secs(60)));
    assert_eq!(record.times.deadline, Some(Duration::from_secs(600)));
    let tags = child.tags().await.unwrap();
    assert_eq!((tags["size"].as_str(), tags["customer"].as_str()), ("small", "acme"));
    assert_eq!(child.metadata().await.unwrap().unwrap().as_str(), "\"from the plan\"");
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(child.output().await.unwrap().as_str(), "\"Hello, later\"");
}

async fn a_workflow_that_is_not_registered_is_refused(world: World) {
    let engine = world.engine().register::<party>().build().await.unwrap();
    let run = engine.start::<party>(InviteInput { names: vec!["Ada".into()], fails: false });
    let run = run.await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::WorkflowNotFound.as_str());
    assert!(error.message.contains("workflow `greeting` is not registered"), "{}", error.message);
}

async fn the_depth_is_limited(world: World) {
    let engine = engine(&world).await;
    let mut run = engine.start::<descending>(DescendInput { left: 20 }).await.unwrap();
    for depth in 0..8 {
        assert_eq!(run.record().await.unwrap().depth(), depth);
        run = engine.run_handle(run.output().await.unwrap().unwrap()).await.unwrap();
    }
    assert!(run.output().await.unwrap_err().is_run_failed());
    let record = run.record().await.unwrap();
    assert_eq!(record.depth(), 8);
    assert_eq!(record.error.unwrap().code, ErrorCode::ChildTooDeep.as_str());
}

async fn a_stage_starts_at_most_a_thousand_runs(world: World) {
    let engine = engine(&world).await;
    let count = async |run: &RunHandle<crowd>| {
        exact_count(&engine, &RunFilter::new().parent(run.id()), 2_000).await.unwrap()
    };
    let run = engine.start::<crowd>(SummonInput { number: 1_000 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 1_000);
    assert_eq!(count(&run).await, 1_000);
    let run = engine.start::<crowd>(SummonInput { number: 1_001 }).await.unwrap();
    assert!(run.output().await.unwrap_err().is_run_failed());
    assert_eq!(count(&run).await, 0, "what a failed stage has started is not committed");
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, ErrorCode::StageFailed.as_str());
    assert!(
        error.message.ends_with("stage `summon` starts more than 1000 runs: start them from several stages"),
        "{}",
        error.message
    );
}

async fn costs_roll_up(world: World) {
    let engine = engine(&world).await;
    let input = InviteInput { names: vec!["Ada".into(), "Alan".into(), "Grace".into()], fails: false };
    let run = engine.start::<party>(input).await.unwrap();
    for id in run.output().await.unwrap() {
        engine.any_run(id).await.unwrap().output().await.unwrap();
    }
    let own = run.cost_summary().await.unwrap();
    assert_eq!((own.cost.to_string().as_str(), own.tokens), ("0.01 USD", 2));
    let all = run.cost_summary_with_children().await.unwrap();
    assert_eq!((all.cost.to_string().as_str(), all.tokens), ("0.07 USD", 8));
}

on_every_store!(
    children_are_created_with_the_stage,
    a_failed_attempt_starts_nothing,
    a_rerun_starts_new_children,
    a_key_starts_once,
    the_options_are_those_of_a_start,
    a_workflow_that_is_not_registered_is_refused,
    the_depth_is_limited,
    a_stage_starts_at_most_a_thousand_runs,
    costs_roll_up,
);

#[tokio::test]
async fn a_unit_test_sees_the_started_runs() {
    let ctx = StageContext::detached();
    let ids = invite(vec!["Ada".into()], false, &ctx).await.unwrap();
    let effects = ctx.effects();
    assert_eq!(effects.children.len(), 1);
    assert_eq!((effects.children[0].run_id, effects.children[0].workflow_id.as_str()), (ids[0], "greeting"));
    assert_eq!(effects.children[0].input.as_str(), r#"{"name":"Ada"}"#);
}
