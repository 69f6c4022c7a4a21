//! Trap 8: the reaper of stuck runs fails healthy runs.

use std::time::Duration;

use tests::manual_claims::{LEASE, claim, commit, complete_without_transition};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{
    JobOutcome, ReapStaleLeases, ReapStuckRuns, ReapStuckRunsOutput, TransitionRun,
};
use workflow_engine::ports::Change;
use workflow_engine::prelude::*;

use super::bodies::{diamond, engine, execute, started};
use super::waiting::{HeldInput, holding};

const HOUR: Duration = Duration::from_secs(3_600);
const MINUTE: Duration = Duration::from_secs(60);

async fn reap(engine: &Engine) -> ReapStuckRunsOutput {
    engine.dispatch(ReapStuckRuns { threshold: MINUTE }).await.unwrap()
}

async fn trap_08_a_run_that_waits_an_hour_for_a_poll_is_not_stuck(world: World) {
    let engine = world.engine().register::<holding>().without_worker().build().await.unwrap();
    let run = engine.start::<holding>(HeldInput { number: 1 }).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    assert_eq!(execute(&engine, run.id(), "held").await, JobOutcome::Suspended { check_after: HOUR });
    world.clock.advance(MINUTE * 59);
    assert_eq!(reap(&engine).await, ReapStuckRunsOutput::default());
    // Nor is the run stuck when the poll is due and no worker has claimed it yet.
    world.clock.advance(HOUR * 24);
    assert_eq!(reap(&engine).await, ReapStuckRunsOutput::default());
    assert_eq!(run.status().await.unwrap(), Status::Running);
}

async fn trap_08_a_run_that_runs_longer_than_the_threshold_is_not_stuck(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 0).await;
    let job = claim(&*world.store, run.id(), "begin").await;
    for _ in 0..10 {
        world.clock.advance(LEASE / 2);
        world.store.renew_leases(vec![job.lease.clone()], LEASE).await.unwrap();
        assert_eq!(reap(&engine).await, ReapStuckRunsOutput::default());
    }
    // When the worker dies, the reaper of leases handles the job, and the run continues.
    world.clock.advance(HOUR);
    assert_eq!(reap(&engine).await, ReapStuckRunsOutput::default());
    engine.dispatch(ReapStaleLeases::default()).await.unwrap();
    assert_eq!(reap(&engine).await, ReapStuckRunsOutput::default());
    assert_eq!(execute(&engine, run.id(), "begin").await, JobOutcome::Completed);
}

async fn trap_08_a_run_that_waits_for_its_retry_is_not_stuck(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 0).await;
    let job = claim(&*world.store, run.id(), "begin").await;
    let retry = Change::Retry { stage_key: "begin".into(), error: "429".into(), delay: HOUR };
    commit(&*world.store, &job, vec![retry]).await;
    world.clock.advance(MINUTE * 59);
    assert_eq!(reap(&engine).await, ReapStuckRunsOutput::default());
    assert_eq!(run.status().await.unwrap(), Status::Running);
}

async fn trap_08_a_run_that_waits_for_a_worker_is_not_stuck(world: World) {
    let engine = engine(&world).await;
    let pending = engine.start::<diamond>(super::bodies::BeginInput { number: 1 }).await.unwrap();
    let queued = started(&engine, 0).await;
    world.clock.advance(HOUR * 24);
    assert_eq!(reap(&engine).await, ReapStuckRunsOutput::default());
    assert_eq!(pending.status().await.unwrap(), Status::Pending);
    assert_eq!(queued.status().await.unwrap(), Status::Running);
}

async fn trap_08_a_crash_between_the_last_completion_and_the_transition_completes_the_run(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 0).await;
    for stage in ["begin", "left", "right"] {
        execute(&engine, run.id(), stage).await;
    }
    complete_without_transition(&*world.store, run.id(), "join", &"left 2 right 200").await;
    world.clock.advance(HOUR);
    assert_eq!(reap(&engine).await, ReapStuckRunsOutput { repaired: 1, failed: 0 });
    assert_eq!(run.output().await.unwrap(), "left 2 right 200");
}

async fn trap_08_a_crash_between_a_completion_and_the_transition_is_recovered(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 0).await;
    complete_without_transition(&*world.store, run.id(), "begin", &2).await;
    world.clock.advance(HOUR);
    assert_eq!(reap(&engine).await, ReapStuckRunsOutput { repaired: 1, failed: 0 });
    for stage in ["left", "right", "join"] {
        assert_eq!(execute(&engine, run.id(), stage).await, JobOutcome::Completed);
    }
    assert_eq!(run.output().await.unwrap(), "left 2 right 200");
}

on_every_store!(
    trap_08_a_run_that_waits_an_hour_for_a_poll_is_not_stuck,
    trap_08_a_run_that_runs_longer_than_the_threshold_is_not_stuck,
    trap_08_a_run_that_waits_for_its_retry_is_not_stuck,
    trap_08_a_run_that_waits_for_a_worker_is_not_stuck,
    trap_08_a_crash_between_the_last_completion_and_the_transition_completes_the_run,
    trap_08_a_crash_between_a_completion_and_the_transition_is_recovered,
);
