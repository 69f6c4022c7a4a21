//! Traps of stages that wait.

use std::time::Duration;

use tests::events::{names, wait_for};
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::{JobOutcome, TransitionRun};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

use super::bodies::{call, calls, execute};

const HOUR: Duration = Duration::from_secs(3_600);

#[stage(check = check_held, poll_every = "1h", retry(max_attempts = 1))]
pub(crate) async fn held(number: u32, ctx: &StageContext) -> StageResult<u32> {
    call(ctx);
    Ok(number)
}

/// Signals that it has started, waits for a signal, and then fails or completes.
#[check]
pub(crate) async fn check_held(number: &u32, ctx: &StageContext) -> StageResult<Check<u32>> {
    signal::give(ctx.run_id(), "checking");
    signal::wait(ctx.run_id(), "continue").await;
    match *number {
        0 => Err(StageError::permanent("the remote service has lost it")),
        number => Ok(Check::Ready(number)),
    }
}

workflow! { pub(crate) holding = held }

/// Makes the check of a run due, and waits until it has started.
pub(crate) async fn wait_for_check(world: &World, run: &RunHandle<holding>) {
    wait_for(run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
    world.clock.advance(HOUR);
    signal::wait(run.id(), "checking").await;
}

/// The trap: a failing check changes a CANCELLED run to FAILED.
async fn trap_04_a_check_that_fails_leaves_a_cancelled_run_cancelled(world: World) {
    let engine = world.engine().register::<holding>().build().await.unwrap();
    let run = engine.start::<holding>(HeldInput { number: 0 }).await.unwrap();
    wait_for_check(&world, &run).await;
    assert!(run.cancel("enough").await.unwrap());
    signal::give(run.id(), "continue");
    engine.drain().await;
    assert_eq!(run.status().await.unwrap(), Status::Cancelled);
    assert_eq!(names(&run).await.last(), Some(&"workflow:cancelled"));
}

/// The trap: a crash between suspending the stage and suspending its job submits the work a second time. Here both
/// happen in one commit.
async fn trap_11_stage_and_job_are_suspended_together(world: World) {
    let engine = world.engine().register::<holding>().without_worker().build().await.unwrap();
    let run = engine.start::<holding>(HeldInput { number: 1 }).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    let transition = world.store.run(run.id()).await.unwrap().unwrap().last_sequence;
    assert_eq!(execute(&engine, run.id(), "held").await, JobOutcome::Suspended { check_after: HOUR });
    let snapshot = world.store.snapshot(run.id()).await.unwrap().unwrap();
    assert_eq!((snapshot.stages[0].status, snapshot.jobs[0].status), (Status::Suspended, Status::Suspended));
    // The claim wrote one event, and the suspension two.
    let events = world.store.events(run.id(), transition, 10).await.unwrap();
    let written: Vec<&str> = events.iter().map(|event| event.kind.name()).collect();
    assert_eq!(written, ["stage:started", "stage:suspended", "workflow:suspended"]);
    drop(engine);

    // The process dies. The next one checks, and does not submit the work again.
    let second = world.engine().register::<holding>().build().await.unwrap();
    let run = second.run_handle::<holding>(run.id()).await.unwrap();
    wait_for_check(&world, &run).await;
    signal::give(run.id(), "continue");
    assert_eq!(run.output().await.unwrap(), 1);
    assert_eq!(calls(run.id(), "held"), 1);
}

on_every_store!(
    trap_04_a_check_that_fails_leaves_a_cancelled_run_cancelled,
    trap_11_stage_and_job_are_suspended_together,
);
