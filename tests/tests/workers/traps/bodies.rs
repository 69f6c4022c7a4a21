//! The workflows of the traps, whose bodies count their calls.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use tests::world::World;
use workflow_engine::RunId;
use workflow_engine::kernel::{ExecuteJob, JobOutcome, TransitionRun};
use workflow_engine::prelude::*;

static CALLS: LazyLock<Mutex<HashMap<(RunId, String), u32>>> = LazyLock::new(Mutex::default);

/// Counts a call, and returns its 1-based number.
pub(crate) fn call(ctx: &StageContext) -> u32 {
    let mut calls = CALLS.lock().unwrap();
    let count = calls.entry((ctx.run_id(), ctx.stage_id().to_owned())).or_default();
    *count += 1;
    *count
}

pub(crate) fn calls(run_id: RunId, stage: &str) -> u32 {
    CALLS.lock().unwrap().get(&(run_id, stage.to_owned())).copied().unwrap_or_default()
}

#[stage]
pub(crate) async fn begin(number: u32, ctx: &StageContext) -> StageResult<u32> {
    call(ctx);
    Ok(number + 1)
}

#[stage]
pub(crate) async fn left(number: u32, ctx: &StageContext) -> StageResult<String> {
    call(ctx);
    Ok(format!("left {number}"))
}

#[stage(retry(max_attempts = 1))]
pub(crate) async fn right(
    number: u32,
    #[config(default = 0)] failures: u32,
    ctx: &StageContext,
) -> StageResult<u32> {
    if call(ctx) <= failures {
        return Err(StageError::permanent("no"));
    }
    Ok(number * 100)
}

#[stage]
pub(crate) async fn join(left: String, right: u32, ctx: &StageContext) -> StageResult<String> {
    call(ctx);
    Ok(format!("{left} right {right}"))
}

workflow! { pub(crate) diamond = begin >> [left, right] >> join }

/// Builds an engine without a worker.
pub(crate) async fn engine(world: &World) -> Engine {
    world.engine().register::<diamond>().without_worker().build().await.unwrap()
}

/// Starts a run whose stage `right` fails `failures` times.
pub(crate) async fn started(engine: &Engine, failures: u32) -> RunHandle<diamond> {
    let mut config = DiamondConfig::default();
    config.right.failures = failures;
    let run = engine.start::<diamond>(BeginInput { number: 1 }).config(config).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    run
}

pub(crate) async fn execute(engine: &Engine, run_id: RunId, stage: &str) -> JobOutcome {
    let (worker_id, stage_key) = ("w".into(), stage.into());
    let command = ExecuteJob { worker_id, run_id, stage_key, idempotency_key: None };
    engine.dispatch(command).await.unwrap().outcome
}
