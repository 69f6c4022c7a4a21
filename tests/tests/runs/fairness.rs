//! The effects of a long queue, tested by order and not by time: urgent runs overtake queued runs and run between the
//! stages of started ones, workflows take turns, a worker for one workflow does not see another workflow's queue, and
//! starts are acknowledged while no worker has a free slot.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::ClaimPendingRuns;
use workflow_engine::prelude::*;

/// The number of queued runs.
const QUEUED: u32 = 30;

/// The numbers of the bodies that have run, in order, by the run that has blocked the worker before.
static RAN: LazyLock<Mutex<HashMap<String, Vec<u32>>>> = LazyLock::new(Mutex::default);

/// Occupies a worker's only slot until the test signals its end.
#[stage]
async fn block(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "begun");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number)
}

workflow! { blocking = block }

/// Records that it has run.
#[stage]
async fn note(number: u32, blocker: String) -> StageResult<u32> {
    RAN.lock().unwrap().entry(blocker).or_default().push(number);
    Ok(number)
}

workflow! { noting = note }

/// As `note`, in another workflow.
#[stage]
async fn remark(number: u32, blocker: String) -> StageResult<u32> {
    RAN.lock().unwrap().entry(blocker).or_default().push(number);
    Ok(number)
}

workflow! { remarking = remark }

/// Occupies the slot until the test signals its end. The next stages record that they have run, under the same name.
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

/// A stage of a third workflow.
#[stage]
async fn scribble(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { scribbling = scribble }

/// Builds an engine with one slot, and starts the run that occupies it.
async fn busy(world: &World) -> (Engine, RunHandle<blocking>) {
    let engine =
        world.engine().register::<blocking>().register::<noting>().concurrency(1).build().await.unwrap();
    let blocker = engine.start::<blocking>(BlockInput { number: 1 }).await.unwrap();
    signal::wait(blocker.id(), "begun").await;
    (engine, blocker)
}

async fn an_urgent_run_overtakes_all_queued_runs(world: World) {
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

async fn starts_are_acknowledged_while_no_slot_is_free(world: World) {
    let (engine, blocker) = busy(&world).await;
    let mut runs = Vec::new();
    for number in 0..QUEUED {
        runs.push(
            engine.start::<noting>(NoteInput { number, blocker: blocker.id().to_string() }).await.unwrap(),
        );
    }
    for run in &runs {
        assert_eq!(run.status().await.unwrap(), Status::Pending, "the run is stored and waits for a slot");
    }
    assert!(!RAN.lock().unwrap().contains_key(&blocker.id().to_string()), "no body had a slot");

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
    assert_eq!(run.output().await.unwrap(), 7, "the run completes while the whole queue waits");
    assert!(!RAN.lock().unwrap().contains_key(&blocker.id().to_string()), "no run of the queue has started");

    signal::give(blocker.id(), "end");
    for run in runs {
        run.output().await.unwrap();
    }
    other.drain().await;
    engine.shutdown().await;
}

/// Starts one run of a recording workflow for each number.
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

/// Builds an engine with one slot for all workflows, and starts the run that occupies it.
async fn busy_with_all(world: &World) -> (Engine, RunHandle<blocking>) {
    let engine = world.engine().register::<blocking>().register::<noting>().register::<remarking>();
    let engine = engine.concurrency(1).build().await.unwrap();
    let blocker = engine.start::<blocking>(BlockInput { number: 1 }).await.unwrap();
    signal::wait(blocker.id(), "begun").await;
    (engine, blocker)
}

async fn a_run_of_another_workflow_is_second_despite_a_long_queue(world: World) {
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

async fn two_queues_alternate_after_higher_priorities(world: World) {
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

/// Starts a run of several stages whose first stage occupies the only slot; returns the name under which it records.
async fn holding(world: &World) -> (Engine, RunHandle<chaining>, String) {
    let engine = world.engine().register::<chaining>().register::<noting>();
    let engine = engine.concurrency(1).build().await.unwrap();
    let name = workflow_engine::RunId::generate().to_string();
    let run = engine.start::<chaining>(HoldInput { name: name.clone() }).await.unwrap();
    signal::wait(run.id(), "begun").await;
    (engine, run, name)
}

async fn an_urgent_run_preempts_a_chain_between_its_stages(world: World) {
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

async fn an_urgent_run_of_another_engine_preempts_a_chain(world: World) {
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

async fn runs_of_equal_priority_do_not_preempt_a_chain(world: World) {
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

/// A started run waits as a job, a pending one as a run. They are one queue.
async fn a_pending_run_takes_turns_with_ready_stages(world: World) {
    let (engine, blocker) = busy_with_all(&world).await;
    let begun = queue!(engine, noting, NoteInput, blocker.id(), 0..3);
    let start = ClaimPendingRuns { worker_id: "starter".into(), limit: 3, slots: 0 };
    assert_eq!(engine.dispatch(start).await.unwrap().claimed.len(), 3);
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
    a_run_of_another_workflow_is_second_despite_a_long_queue,
    two_queues_alternate_after_higher_priorities,
    an_urgent_run_preempts_a_chain_between_its_stages,
    an_urgent_run_of_another_engine_preempts_a_chain,
    runs_of_equal_priority_do_not_preempt_a_chain,
    a_pending_run_takes_turns_with_ready_stages,
    an_urgent_run_overtakes_all_queued_runs,
    starts_are_acknowledged_while_no_slot_is_free,
    a_worker_for_one_workflow_does_not_see_the_queue_of_another,
);
