//! Workers whose bodies are short: they hold more jobs than bodies may run. The limit of bodies stays, and a job that
//! they cannot run soon goes to another worker.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::RunId;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

/// How often a situation is brought about until a busy machine lets it happen.
const ROUNDS: usize = 20;
/// As many runs as teach a worker that its bodies are short.
const LESSONS: usize = 20;

#[stage]
async fn split(blocks: bool) -> StageResult<bool> {
    Ok(blocks)
}

/// Occupies the only body of its worker where the run says so.
#[stage]
async fn left(blocks: bool, ctx: &StageContext) -> StageResult<bool> {
    if blocks {
        signal::give(ctx.run_id(), "left runs");
        signal::wait(ctx.run_id(), "end").await;
    }
    Ok(blocks)
}

#[stage]
async fn right(blocks: bool, ctx: &StageContext) -> StageResult<bool> {
    signal::give(ctx.run_id(), "right runs");
    Ok(blocks)
}

workflow! { forking = split >> [left, right] }

async fn a_branch_behind_a_long_body_goes_to_another_worker(world: World) {
    let busy = world.engine().register::<forking>().concurrency(1).build().await.unwrap();
    for _ in 0..ROUNDS {
        for _ in 0..LESSONS {
            let run = busy.start::<forking>(SplitInput { blocks: false }).await.unwrap();
            run.output().await.unwrap();
        }
        let run = busy.start::<forking>(SplitInput { blocks: true }).await.unwrap();
        signal::wait(run.id(), "left runs").await;
        let idle = world.engine().register::<forking>().concurrency(1).build().await.unwrap();
        signal::wait(run.id(), "right runs").await;
        signal::give(run.id(), "end");
        run.output().await.unwrap();
        idle.drain().await;
        if history_of_right(&world, run.id()).await == ["started 1", RETURNED, "started 1", "completed"] {
            busy.drain().await;
            assert!(returned_attempts(&busy).await >= 1, "the return is counted");
            busy.shutdown().await;
            return;
        }
    }
    panic!("the busy worker has never held the second branch");
}

async fn returned_attempts(engine: &Engine) -> u64 {
    let measured = engine.measurements().await;
    let stages = measured.workflows.iter().flat_map(|workflow| &workflow.stages);
    stages.map(|stage| stage.attempts.returned).sum()
}

const RETURNED: &str = "returned 1: its worker could not start its body in time";

async fn history_of_right(world: &World, run: RunId) -> Vec<String> {
    let events = world.store.events(run, 0, 100).await.unwrap();
    let of_right = events.into_iter().filter_map(|event| match event.kind {
        EventKind::StageStarted { stage_id, attempt, .. } if stage_id == "right" => {
            Some(format!("started {attempt}"))
        }
        EventKind::StageReturned { stage_id, attempt, reason, .. } if stage_id == "right" => {
            Some(format!("returned {attempt}: {reason}"))
        }
        EventKind::StageCompleted { stage_id, .. } if stage_id == "right" => Some("completed".to_owned()),
        _ => None,
    });
    of_right.collect()
}

/// The number of bodies that run now, and the highest number so far, by the name of a test.
static BODIES: LazyLock<Mutex<HashMap<String, (usize, usize)>>> = LazyLock::new(Mutex::default);

/// Counts itself among the bodies of its test.
async fn count(test: &str) {
    {
        let mut bodies = BODIES.lock().unwrap();
        let (now, most) = bodies.entry(test.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
    }
    // Other bodies have the chance to start meanwhile.
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    BODIES.lock().unwrap().get_mut(test).unwrap().0 -= 1;
}

#[stage]
async fn before(test: String) -> StageResult<String> {
    count(&test).await;
    Ok(test)
}

#[stage]
async fn one_half(test: String) -> StageResult<u32> {
    count(&test).await;
    Ok(1)
}

#[stage]
async fn other_half(test: String) -> StageResult<u32> {
    count(&test).await;
    Ok(2)
}

#[stage]
async fn after(one: u32, other: u32, #[require(before)] test: String) -> StageResult<u32> {
    count(&test).await;
    Ok(one + other)
}

workflow! { counting = before >> [one_half, other_half] >> after }

async fn no_more_bodies_run_than_allowed(world: World) {
    const ALLOWED: usize = 3;

    let engine = world.engine().register::<counting>().concurrency(ALLOWED).build().await.unwrap();
    let test = RunId::generate().to_string();
    let mut runs = Vec::new();
    for _ in 0..200 {
        runs.push(engine.start::<counting>(BeforeInput { test: test.clone() }).await.unwrap());
    }
    for run in runs {
        assert_eq!(run.output().await.unwrap(), 3);
    }
    let counted = BODIES.lock().unwrap().remove(&test);
    assert_eq!(counted, Some((0, ALLOWED)), "none runs now; as many as allowed have run");
    engine.shutdown().await;
}

on_every_store!(a_branch_behind_a_long_body_goes_to_another_worker, no_more_bodies_run_than_allowed);
