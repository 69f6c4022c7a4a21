//! What a long queue does to others, by counts and never by time: urgent runs go before what is queued and between the
//! stages of what has begun, workflows take turns, a worker for one workflow does not see another one's queue, and starts
//! are acknowledged while nobody has room.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::ClaimPendingRuns;
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

/// The same, of another workflow.
#[stage]
async fn remark(number: u32, blocker: String) -> StageResult<u32> {
    RAN.lock().unwrap().entry(blocker).or_default().push(number);
    Ok(number)
}

workflow! { remarking = remark }

/// Keeps the slot until it is told to end; what follows notes that it has run, under the same name.
#[stage]
async fn hold(name: String, ctx: &StageContext) -> StageResult<String> {
    signal::give(ctx.run_id(), "begun");
    signal::wait(ctx.run_id(), "end").await;
    Ok(name)
}

#[stage]
async fn second(name: String) -> StageResult<String> {
    RAN.lock().unwrap().entry(name.clone()).or_default().push(2);
    Ok(name)
}

#[stage]
async fn third(name: String) -> StageResult<String> {
    RAN.lock().unwrap().entry(name.clone()).or_default().push(3);
    Ok(name)
}

workflow! { chaining = hold >> second >> third }

/// A stage of yet another workflow.
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

/// Runs of a workflow that notes, each with a number of its own, from `first` on.
macro_rules! queue {
    ($engine:expr, $workflow:ident, $input:ident, $blocker:expr, $numbers:expr) => {{
        let mut runs = Vec::new();
        for number in $numbers {
            let input = $input { number, blocker: $blocker.to_string() };
            runs.push($engine.start::<$workflow>(input).await.unwrap());
        }
        runs
    }};
}

/// An engine with one slot for all workflows, and a run that has taken it.
async fn busy_with_all(world: &World) -> (Engine, RunHandle<blocking>) {
    let engine = world.engine().register::<blocking>().register::<noting>().register::<remarking>();
    let engine = engine.concurrency(1).build().await.unwrap();
    let blocker = engine.start::<blocking>(BlockInput { number: 1 }).await.unwrap();
    signal::wait(blocker.id(), "begun").await;
    (engine, blocker)
}

async fn a_run_of_another_workflow_is_second_behind_a_long_queue(world: World) {
    let (engine, blocker) = busy_with_all(&world).await;
    let queued = queue!(engine, noting, NoteInput, blocker.id(), 0..QUEUED);
    let other = queue!(engine, remarking, RemarkInput, blocker.id(), [1_000]);
    signal::give(blocker.id(), "end");
    for run in queued {
        run.output().await.unwrap();
    }
    assert_eq!(other[0].output().await.unwrap(), 1_000);
    let ran = RAN.lock().unwrap().remove(&blocker.id().to_string()).unwrap();
    let expected: Vec<u32> = [0, 1_000].into_iter().chain(1..QUEUED).collect();
    assert_eq!(ran, expected);
    engine.shutdown().await;
}

async fn two_queues_alternate_and_priorities_are_still_first(world: World) {
    let (engine, blocker) = busy_with_all(&world).await;
    let mut notes = queue!(engine, noting, NoteInput, blocker.id(), 0..QUEUED);
    let remarks = queue!(engine, remarking, RemarkInput, blocker.id(), 1_000..1_000 + QUEUED);
    for number in [2_000, 2_001] {
        let urgent = NoteInput { number, blocker: blocker.id().to_string() };
        notes.push(engine.start::<noting>(urgent).priority(6).await.unwrap());
    }
    signal::give(blocker.id(), "end");
    for (note, remark) in notes.into_iter().zip(remarks) {
        note.output().await.unwrap();
        remark.output().await.unwrap();
    }
    let ran = RAN.lock().unwrap().remove(&blocker.id().to_string()).unwrap();
    assert_eq!(ran[..2], [2_000, 2_001]);
    let in_turn: Vec<u32> = (0..QUEUED).flat_map(|number| [1_000 + number, number]).collect();
    assert_eq!(ran[2..], in_turn);
    engine.shutdown().await;
}

/// A run of several stages that has the only slot, in its first stage; and the name under which it notes.
async fn holding(world: &World) -> (Engine, RunHandle<chaining>, String) {
    let engine = world.engine().register::<chaining>().register::<noting>();
    let engine = engine.concurrency(1).build().await.unwrap();
    let name = workflow_engine::RunId::generate().to_string();
    let run = engine.start::<chaining>(HoldInput { name: name.clone() }).await.unwrap();
    signal::wait(run.id(), "begun").await;
    (engine, run, name)
}

async fn a_chain_gives_way_to_an_urgent_run_between_its_stages(world: World) {
    let (engine, chain, name) = holding(&world).await;
    let mut urgent = Vec::new();
    for number in [1_000, 1_001] {
        let input = NoteInput { number, blocker: name.clone() };
        urgent.push(engine.start::<noting>(input).priority(6).await.unwrap());
    }
    signal::give(chain.id(), "end");
    chain.output().await.unwrap();
    for run in urgent {
        run.output().await.unwrap();
    }
    let ran = RAN.lock().unwrap().remove(&name).unwrap();
    assert_eq!(ran, [1_000, 1_001, 2, 3]);
    engine.shutdown().await;
}

async fn a_chain_gives_way_to_what_another_engine_has_started(world: World) {
    let (engine, chain, name) = holding(&world).await;
    let starter = world.engine().register::<noting>().without_worker().build().await.unwrap();
    let input = NoteInput { number: 1_000, blocker: name.clone() };
    let urgent = starter.start::<noting>(input).priority(9).await.unwrap();
    signal::give(chain.id(), "end");
    chain.output().await.unwrap();
    urgent.output().await.unwrap();
    let ran = RAN.lock().unwrap().remove(&name).unwrap();
    assert_eq!(ran, [1_000, 2, 3]);
    engine.shutdown().await;
}

async fn a_chain_does_not_give_way_to_its_equals(world: World) {
    let (engine, chain, name) = holding(&world).await;
    let equals = queue!(engine, noting, NoteInput, name, [1_000, 1_001]);
    signal::give(chain.id(), "end");
    for run in equals {
        run.output().await.unwrap();
    }
    let ran = RAN.lock().unwrap().remove(&name).unwrap();
    assert_eq!(ran, [2, 3, 1_000, 1_001]);
    engine.shutdown().await;
}

/// What has begun waits as a job, what has not as a run. They are one queue.
async fn a_run_to_be_started_takes_turns_with_stages_that_are_ready(world: World) {
    let (engine, blocker) = busy_with_all(&world).await;
    let begun = queue!(engine, noting, NoteInput, blocker.id(), 0..3);
    let nobody = ClaimPendingRuns { worker_id: "nobody".into(), limit: 3, slots: 0 };
    assert_eq!(engine.dispatch(nobody).await.unwrap().claimed.len(), 3);
    world.clock.advance(Duration::from_secs(1));
    let new = queue!(engine, remarking, RemarkInput, blocker.id(), [1_000]);
    let urgent = RemarkInput { number: 2_000, blocker: blocker.id().to_string() };
    let urgent = engine.start::<remarking>(urgent).priority(6).await.unwrap();
    signal::give(blocker.id(), "end");
    for run in begun {
        run.output().await.unwrap();
    }
    new[0].output().await.unwrap();
    urgent.output().await.unwrap();
    let ran = RAN.lock().unwrap().remove(&blocker.id().to_string()).unwrap();
    assert_eq!(ran, [2_000, 0, 1_000, 1, 2]);
    engine.shutdown().await;
}

on_every_store!(
    a_run_of_another_workflow_is_second_behind_a_long_queue,
    two_queues_alternate_and_priorities_are_still_first,
    a_chain_gives_way_to_an_urgent_run_between_its_stages,
    a_chain_gives_way_to_what_another_engine_has_started,
    a_chain_does_not_give_way_to_its_equals,
    a_run_to_be_started_takes_turns_with_stages_that_are_ready,
    an_urgent_run_goes_before_all_that_is_queued,
    starts_are_acknowledged_while_nobody_has_room,
    a_worker_for_one_workflow_does_not_see_the_queue_of_another,
);
