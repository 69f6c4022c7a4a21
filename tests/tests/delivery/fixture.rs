//! What the tests share: a workflow of one stage, driven step by step.

use std::time::Duration;

use tests::world::World;
use workflow_engine::kernel::{ExecuteJob, FlushOutbox, FlushOutboxOutput, TransitionRun};
use workflow_engine::prelude::*;
use workflow_engine::{EngineBuilder, RunId};

/// Says as often how far it is.
#[stage]
pub(crate) async fn counts(times: u32, ctx: &StageContext) -> StageResult<u32> {
    for time in 1..=times {
        ctx.progress(f64::from(time) / f64::from(times), "going on");
    }
    Ok(times)
}

workflow! { pub(crate) counting = counts }

/// The events of a run that says nothing of its progress.
pub(crate) const ALL: [u64; 5] = [1, 2, 3, 4, 5];

/// An engine that does nothing by itself.
pub(crate) fn engine(world: &World) -> EngineBuilder {
    world.engine().register::<counting>().without_worker()
}

/// A run that is over.
pub(crate) async fn run(engine: &Engine, times: u32) -> RunId {
    let run_id = begin(engine, times).await;
    finish(engine, run_id).await;
    run_id
}

/// A run with its first event.
pub(crate) async fn begin(engine: &Engine, times: u32) -> RunId {
    engine.start::<counting>(CountsInput { times }).await.unwrap().id()
}

/// Brings a run to its end.
pub(crate) async fn finish(engine: &Engine, run_id: RunId) {
    engine.dispatch(TransitionRun { run_id }).await.unwrap();
    let job = ExecuteJob { worker_id: "w".into(), run_id, stage_id: "counts".into(), idempotency_key: None };
    engine.dispatch(job).await.unwrap();
    assert_eq!(
        engine.run_handle::<counting>(run_id).await.unwrap().status().await.unwrap(),
        Status::Completed
    );
}

/// Delivers everything that is due.
pub(crate) async fn flush(engine: &Engine) -> FlushOutboxOutput {
    flush_as(engine, "flusher").await
}

pub(crate) async fn flush_as(engine: &Engine, worker: &str) -> FlushOutboxOutput {
    let command = FlushOutbox { worker_id: worker.into(), limit: 100_000, plugin: None };
    engine.dispatch(command).await.unwrap()
}

/// Lets time pass until nothing waits for a retry any more.
pub(crate) async fn flush_until_nothing_waits(world: &World, engine: &Engine) {
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
