//! The fixture of the delivery tests: a workflow of one stage, driven step by step.

use std::time::Duration;

use tests::world::World;
use workflow_engine::kernel::{ExecuteJob, FlushOutbox, FlushOutboxOutput, TransitionRun};
use workflow_engine::prelude::*;
use workflow_engine::{EngineBuilder, RunId};

/// Reports progress `times` times.
#[stage]
pub(crate) async fn counts(times: u32, ctx: &StageContext) -> StageResult<u32> {
    for time in 1..=times {
        ctx.progress(f64::from(time) / f64::from(times), "in progress");
    }
    Ok(times)
}

workflow! { pub(crate) counting = counts }

/// The sequence numbers of the events of a run without progress.
pub(crate) const ALL: [u64; 5] = [1, 2, 3, 4, 5];

/// Makes the builder of an engine without a worker.
pub(crate) fn engine(world: &World) -> EngineBuilder {
    world.engine().register::<counting>().without_worker()
}

/// Starts and completes a run.
pub(crate) async fn run(engine: &Engine, times: u32) -> RunId {
    let run_id = begin(engine, times).await;
    finish(engine, run_id).await;
    run_id
}

/// Creates a run, which has its first event.
pub(crate) async fn begin(engine: &Engine, times: u32) -> RunId {
    engine.start::<counting>(CountsInput { times }).await.unwrap().id()
}

/// Completes a run.
pub(crate) async fn finish(engine: &Engine, run_id: RunId) {
    engine.dispatch(TransitionRun { run_id }).await.unwrap();
    let job = ExecuteJob { worker_id: "w".into(), run_id, stage_key: "counts".into(), idempotency_key: None };
    engine.dispatch(job).await.unwrap();
    assert_eq!(
        engine.run_handle::<counting>(run_id).await.unwrap().status().await.unwrap(),
        Status::Completed
    );
}

/// Delivers all due events.
pub(crate) async fn flush(engine: &Engine) -> FlushOutboxOutput {
    flush_as(engine, "flusher").await
}

pub(crate) async fn flush_as(engine: &Engine, worker: &str) -> FlushOutboxOutput {
    let command = FlushOutbox { worker_id: worker.into(), limit: 100_000, plugin: None };
    engine.dispatch(command).await.unwrap()
}

/// Delivers events and advances the clock until no delivery waits for a retry.
pub(crate) async fn flush_all(world: &World, engine: &Engine) {
    loop {
        flush(engine).await;
        let mut next = Vec::new();
        for subscriber in engine.kernel().subscriber_names() {
            next.extend(world.store.next_delivery_due(subscriber).await.unwrap());
        }
        let Some(next) = next.into_iter().min() else { return };
        let wait = (next - world.clock_now()).to_std().unwrap_or_default();
        world.clock.advance(wait.max(Duration::from_micros(1)));
    }
}
