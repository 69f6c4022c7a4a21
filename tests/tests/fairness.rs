//! What a long queue does to others, by counts and never by time: urgent runs go before what is queued, a worker for
//! one workflow does not see another one's queue, and starts are acknowledged while nobody has room.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::prelude::*;

/// How many runs wait.
const QUEUED: u32 = 30;

/// The numbers whose bodies have run, in that order, by the run that keeps the worker busy meanwhile.
static RAN: LazyLock<Mutex<HashMap<String, Vec<u32>>>> = LazyLock::new(Mutex::default);

/// Keeps a worker's only slot until it is told to end.
#[stage]
async fn block(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "begun");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number)
}

workflow! { blocking = block }

/// Notes that it has run.
#[stage]
async fn note(number: u32, blocker: String) -> StageResult<u32> {
    RAN.lock().unwrap().entry(blocker).or_default().push(number);
    Ok(number)
}

workflow! { noting = note }

/// The same as another workflow.
#[stage]
async fn scribble(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { scribbling = scribble }

/// An engine with one slot, which is taken, and who has taken it.
async fn busy(world: &World) -> (Engine, RunHandle<blocking>) {
    let engine =
        world.engine().register::<blocking>().register::<noting>().concurrency(1).build().await.unwrap();
    let blocker = engine.start::<blocking>(BlockInput { number: 1 }).await.unwrap();
    signal::wait(blocker.id(), "begun").await;
    (engine, blocker)
}

async fn an_urgent_run_goes_before_all_that_is_queued(world: World) {
    let (engine, blocker) = busy(&world).await;
    let mut runs = Vec::new();
    for number in 0..QUEUED {
        runs.push(
            engine.start::<noting>(NoteInput { number, blocker: blocker.id().to_string() }).await.unwrap(),
        );
    }
    let urgent = NoteInput { number: 1_000, blocker: blocker.id().to_string() };
    runs.push(engine.start::<noting>(urgent).priority(9).await.unwrap());
    let idle = NoteInput { number: 2_000, blocker: blocker.id().to_string() };
    runs.insert(0, engine.start::<noting>(idle).priority(1).await.unwrap());

    signal::give(blocker.id(), "end");
    for run in runs {
        run.output().await.unwrap();
    }
    let ran = RAN.lock().unwrap().remove(&blocker.id().to_string()).unwrap();
    let by_age: Vec<u32> = (0..QUEUED).collect();
    assert_eq!(ran, [vec![1_000], by_age, vec![2_000]].concat());
    engine.shutdown().await;
}

async fn starts_are_acknowledged_while_nobody_has_room(world: World) {
    let (engine, blocker) = busy(&world).await;
    let mut runs = Vec::new();
    for number in 0..QUEUED {
        runs.push(
            engine.start::<noting>(NoteInput { number, blocker: blocker.id().to_string() }).await.unwrap(),
        );
    }
    for run in &runs {
        assert_eq!(run.status().await.unwrap(), Status::Pending, "it is stored, and waits for room");
    }
    assert!(!RAN.lock().unwrap().contains_key(&blocker.id().to_string()), "no body had room");

    signal::give(blocker.id(), "end");
    for (number, run) in (0..).zip(runs) {
        assert_eq!(run.output().await.unwrap(), number);
    }
    engine.shutdown().await;
}

async fn a_worker_for_one_workflow_does_not_see_the_queue_of_another(world: World) {
    let (engine, blocker) = busy(&world).await;
    let mut runs = Vec::new();
    for number in 0..QUEUED {
        runs.push(
            engine.start::<noting>(NoteInput { number, blocker: blocker.id().to_string() }).await.unwrap(),
        );
    }
    let other = world.engine().register::<scribbling>().concurrency(1).build().await.unwrap();
    let run = other.start::<scribbling>(ScribbleInput { number: 7 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 7, "while the whole queue still waits");
    assert!(!RAN.lock().unwrap().contains_key(&blocker.id().to_string()), "nobody has touched the queue");

    signal::give(blocker.id(), "end");
    for run in runs {
        run.output().await.unwrap();
    }
    other.drain().await;
    engine.shutdown().await;
}

on_every_store!(
    an_urgent_run_goes_before_all_that_is_queued,
    starts_are_acknowledged_while_nobody_has_room,
    a_worker_for_one_workflow_does_not_see_the_queue_of_another,
);
