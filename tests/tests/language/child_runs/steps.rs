//! A workflow as a step: it starts a run, waits for its end, and hands on its output.

use std::time::Duration;

use tests::events::{names, wait_for};
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::prelude::*;
use workflow_engine::records::{EventKind, WaitReason};
use workflow_engine::{Engine, ErrorCode};

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Order {
    pub cents: u32,
}

#[stage]
pub async fn open(cents: u32) -> StageResult<u32> {
    Ok(cents)
}

/// Holds the child until the test lets it go on.
#[stage]
pub async fn weigh(cents: u32, #[config(default = 2)] factor: u32, ctx: &StageContext) -> StageResult<u32> {
    if cents == 13 {
        return Err(StageError::permanent("thirteen is not a price"));
    }
    if cents > 1_000 {
        signal::give(ctx.run_id(), "weighing");
        signal::wait(ctx.run_id(), "weighed").await;
    }
    Ok(cents * factor)
}

#[stage]
pub async fn pack(grams: u32) -> StageResult<String> {
    Ok(format!("{grams} g"))
}

#[stage]
pub async fn tell(packed: String) -> StageResult<String> {
    Ok(format!("packed: {packed}"))
}

workflow! {
    /// Weighs and packs.
    pub packing = weigh >> pack;
    pub selling = open >> packing >> tell;
}

#[stage]
async fn order(cents: u32) -> StageResult<Order> {
    Ok(Order { cents })
}

#[stage]
async fn left(order: Order) -> StageResult<u32> {
    Ok(order.cents + 1)
}

#[stage]
async fn right(order: Order) -> StageResult<u32> {
    Ok(order.cents + 2)
}

#[stage(require(both))]
async fn sum(one: u32, two: u32, ctx: &StageContext<sum>) -> StageResult<(u32, u32)> {
    Ok((one + two, ctx.require::<both>().0))
}

workflow! {
    both(Order) = [left, right];
    around = order >> both >> sum;
    first = packing >> tell;
    only = packing;
    beside = open >> [packing, only] >> joined;
}

#[stage]
async fn joined(one: String, two: String) -> StageResult<String> {
    Ok(format!("{one}, {two}"))
}

pub async fn engine(world: &World) -> Engine {
    world.engine().register::<packing>().register::<selling>().build().await.unwrap()
}

/// Starts a sale, and returns its child, whose first stage is running.
pub async fn held(engine: &Engine) -> (RunHandle<selling>, RunHandle<packing>) {
    let run = engine.start::<selling>(SellingInput { cents: 2_000 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    let child = run.children().await.unwrap().items[0].id;
    signal::wait(child, "weighing").await;
    (run, engine.run_handle(child).await.unwrap())
}

async fn the_output_of_the_child_is_that_of_the_step(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<selling>(SellingInput { cents: 5 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "packed: 10 g");
    assert_eq!(run.stage_output::<packing>().await.unwrap().as_deref(), Some("10 g"));
    let child = run.children().await.unwrap().items.remove(0);
    let parent = child.parent.unwrap();
    assert_eq!((parent.run_id, &*parent.stage_key.id), (run.id(), "packing"));
    assert_eq!((parent.depth, parent.is_awaited), (1, true));
    let names = names(&run).await;
    let place = names.iter().position(|name| *name == "stage:suspended").unwrap();
    assert_eq!(names[place..place + 3], ["stage:suspended", "workflow:suspended", "stage:completed"]);
}

async fn the_end_of_the_child_wakes_the_parent(world: World) {
    let engine = engine(&world).await;
    let (run, child) = held(&engine).await;
    assert_eq!(run.status().await.unwrap(), Status::Running);
    // Too little time passes for a check.
    world.clock.advance(Duration::from_millis(1));
    signal::give(child.id(), "weighed");
    assert_eq!(run.output().await.unwrap(), "packed: 4000 g");
    let timeline = run.timeline().await.unwrap();
    let step = &timeline.stages[1];
    assert_eq!(step.child_workflow_id.as_deref(), Some("packing"));
    assert!(step.waits.iter().any(|wait| wait.reason == WaitReason::Child), "{:?}", step.waits);
}

async fn another_worker_may_end_the_child(world: World) {
    let starter = world.engine().register::<packing>().register::<selling>().without_worker();
    let starter = starter.build().await.unwrap();
    let run = starter.start::<selling>(SellingInput { cents: 5 }).await.unwrap();
    let parents = engine(&world).await;
    // It has the child alone.
    let children = world.engine().register::<packing>().build().await.unwrap();
    assert_eq!(run.output().await.unwrap(), "packed: 10 g");
    parents.shutdown().await;
    children.shutdown().await;
}

async fn the_configuration_of_the_step_is_that_of_the_child(world: World) {
    let engine = engine(&world).await;
    let config = SellingConfig {
        packing: PackingConfig { weigh: WeighConfig { factor: 3 }, ..PackingConfig::default() },
        ..SellingConfig::default()
    };
    let run = engine.start::<selling>(SellingInput { cents: 5 }).config(config).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "packed: 15 g");
}

async fn a_child_takes_an_input_of_the_users_type_and_returns_a_group(world: World) {
    let engine = world.engine().register::<around>().register::<both>().build().await.unwrap();
    let run = engine.start::<around>(AroundInput { cents: 5 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), (13, 6));
}

async fn a_step_may_be_first_and_alone_and_in_a_group(world: World) {
    let builder = world.engine().register::<packing>().register::<first>().register::<only>();
    let engine = builder.register::<beside>().build().await.unwrap();
    let run = engine.start::<first>(WeighInput { cents: 1 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "packed: 2 g");
    let run = engine.start::<beside>(OpenInput { cents: 2 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "4 g, 4 g");
    let inner = run.children().await.unwrap();
    let inner = inner.items.iter().find(|child| child.workflow_id == "only").unwrap();
    let inner = engine.any_run(inner.id).await.unwrap();
    assert_eq!(inner.children().await.unwrap().items[0].depth(), 2);
}

async fn a_rerun_from_the_step_starts_a_new_child(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<selling>(SellingInput { cents: 5 }).await.unwrap();
    run.output().await.unwrap();
    run.rerun_from::<packing>().await.unwrap();
    assert_eq!(run.output().await.unwrap(), "packed: 10 g");
    assert_eq!(run.children().await.unwrap().items.len(), 2);
    // What comes after the step uses the child's output again.
    run.rerun_from::<tell>().await.unwrap();
    run.output().await.unwrap();
    assert_eq!(run.children().await.unwrap().items.len(), 2);
}

async fn a_child_that_is_not_registered_is_refused_at_build(world: World) {
    let error = world.engine().register::<selling>().build().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::WorkflowNotFound);
    assert_eq!(
        error.to_string(),
        "workflow `selling` has workflow `packing` as a step, which is not registered: add `.register::<…>()` for it before \
         `.build()`"
    );
}

async fn a_wake_from_outside_does_not_end_the_wait(world: World) {
    let engine = engine(&world).await;
    let (run, child) = held(&engine).await;
    let next_check = async || {
        let snapshot = world.store.snapshot(run.id()).await.unwrap().unwrap();
        snapshot.jobs.iter().find(|job| job.stage_id == "packing").unwrap().run_at
    };
    let before = next_check().await;
    world.clock.advance(Duration::from_secs(1));
    assert!(run.wake::<packing>().await.unwrap());
    // The check that the wake has made due has found the child running.
    while next_check().await <= before {
        tokio::task::yield_now().await;
    }
    assert_eq!(run.status().await.unwrap(), Status::Running);
    signal::give(child.id(), "weighed");
    assert_eq!(run.output().await.unwrap(), "packed: 4000 g");
}

on_every_store!(
    the_output_of_the_child_is_that_of_the_step,
    the_end_of_the_child_wakes_the_parent,
    another_worker_may_end_the_child,
    the_configuration_of_the_step_is_that_of_the_child,
    a_child_takes_an_input_of_the_users_type_and_returns_a_group,
    a_step_may_be_first_and_alone_and_in_a_group,
    a_rerun_from_the_step_starts_a_new_child,
    a_child_that_is_not_registered_is_refused_at_build,
    a_wake_from_outside_does_not_end_the_wait,
);

#[test]
fn the_step_is_shown_as_a_workflow() {
    let definition = selling::definition();
    assert_eq!(definition.stages[1].child_workflow_id(), Some("packing"));
    assert_eq!(definition.stages[1].description, "Weighs and packs.");
    assert_eq!(definition.to_json()["stages"][1]["child_workflow_id"], "packing");
    assert!(definition.to_json()["stages"][0].get("child_workflow_id").is_none());
    assert!(definition.to_mermaid().contains("s2[[\"Packing\"]]"), "{}", definition.to_mermaid());
    assert!(definition.to_dot().contains("[label=\"Packing\", peripheries=2]"), "{}", definition.to_dot());
    assert_eq!(definition.to_svg().matches("<rect").count(), 4);
    let layout = definition.layout();
    let runs: Vec<_> = layout.stages.iter().map(|stage| stage.child_workflow_id.as_deref()).collect();
    assert_eq!(runs, [None, Some("packing"), None]);
}
