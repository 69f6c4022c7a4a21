//! Stuck runs, which the reaper repairs where possible, and fails otherwise.

use std::time::Duration;

use tests::manual_claims::{apply, claim, commit, complete_without_transition};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::RunId;
use workflow_engine::kernel::{ReapStuckRuns, ReapStuckRunsOutput, TransitionAction, TransitionRun};
use workflow_engine::ports::Change;
use workflow_engine::prelude::*;

#[stage]
async fn begin(number: u32) -> StageResult<u32> {
    Ok(number + 1)
}

#[stage]
async fn left(number: u32) -> StageResult<u32> {
    Ok(number * 10)
}

#[stage]
async fn right(number: u32) -> StageResult<u32> {
    Ok(number * 100)
}

#[stage]
async fn join(left: u32, right: u32) -> StageResult<u32> {
    Ok(left + right)
}

workflow! {
    diamond = begin >> [left, right] >> join;
    /// A workflow that ends in a group.
    fan = begin >> [left, right];
}

const HOUR: Duration = Duration::from_secs(3_600);

async fn engine(world: &World) -> Engine {
    world.engine().register::<diamond>().register::<fan>().without_worker().build().await.unwrap()
}

/// Starts a run.
async fn started(engine: &Engine) -> RunHandle<diamond> {
    let run = engine.start::<diamond>(BeginInput { number: 1 }).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    run
}

async fn reap(engine: &Engine) -> (usize, usize) {
    let ReapStuckRunsOutput { repaired, failed } =
        engine.dispatch(ReapStuckRuns { threshold: HOUR }).await.unwrap();
    (repaired, failed)
}

/// Completes the run with a temporary worker.
async fn finish(world: &World, run_id: RunId) -> Result<u32, workflow_engine::Error> {
    let worker = world.engine().register::<diamond>().build().await.unwrap();
    let output = worker.run_handle::<diamond>(run_id).await.unwrap().output().await;
    worker.drain().await;
    output
}

async fn a_ready_stage_without_a_job_is_enqueued(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine).await;
    complete_without_transition(&*world.store, run.id(), "begin", &2).await;
    assert_eq!(reap(&engine).await, (0, 0), "the run changed a moment ago");
    world.clock.advance(HOUR);
    assert_eq!(reap(&engine).await, (1, 0));
    assert_eq!(reap(&engine).await, (0, 0));
    assert_eq!(finish(&world, run.id()).await.unwrap(), 220);
}

async fn a_ready_stage_without_a_job_is_enqueued_beside_a_running_stage(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine).await;
    // One successor is released, the other one is not.
    let job = claim(&*world.store, run.id(), "begin").await;
    let release = |stage: &str| Change::Release {
        stage_key: stage.into(),
        max_attempts: 3,
        max_crashes: 3,
        claim: None,
    };
    commit(&*world.store, &job, vec![tests::manual_claims::completion("begin", &2), release("left")]).await;
    claim(&*world.store, run.id(), "left").await;
    world.clock.advance(HOUR);
    // The reaper does not search for such a stage while another stage of the run is leased …
    assert_eq!(reap(&engine).await, (0, 0));
    // … but a transition of the run finds it.
    let transition = || engine.dispatch(TransitionRun { run_id: run.id() });
    assert_eq!(transition().await.unwrap().action, TransitionAction::Advanced);
    assert_eq!(transition().await.unwrap().action, TransitionAction::Noop);
    let snapshot = world.store.snapshot(run.id()).await.unwrap().unwrap();
    let jobs: Vec<(&str, Status)> =
        snapshot.jobs.iter().map(|job| (job.stage_id.as_str(), job.status)).collect();
    assert!(jobs.contains(&("right", Status::Pending)) && jobs.len() == 2, "{jobs:?}");
}

async fn an_unprocessed_last_completion_completes_the_run(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine).await;
    for (stage, output) in [("begin", 2), ("left", 20), ("right", 200), ("join", 220)] {
        complete_without_transition(&*world.store, run.id(), stage, &output).await;
        transition_unless_last(&engine, run.id(), stage).await;
    }
    world.clock.advance(HOUR);
    assert_eq!(reap(&engine).await, (1, 0));
    assert_eq!(run.output().await.unwrap(), 220);
    assert_eq!(tests::events::names(&run).await.last(), Some(&"workflow:completed"));
}

/// Processes every completion except the last one.
async fn transition_unless_last(engine: &Engine, run_id: RunId, stage: &str) {
    if stage != "join" {
        engine.dispatch(TransitionRun { run_id }).await.unwrap();
    }
}

async fn unprocessed_completions_of_a_last_group_complete_the_run(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<fan>(BeginInput { number: 1 }).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    complete_without_transition(&*world.store, run.id(), "begin", &2).await;
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    complete_without_transition(&*world.store, run.id(), "left", &20).await;
    complete_without_transition(&*world.store, run.id(), "right", &200).await;
    let transitioned = engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    assert_eq!(transitioned.action, TransitionAction::Completed);
    assert_eq!(run.output().await.unwrap(), (20, 200));
}

async fn an_unprocessed_failure_fails_the_run(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine).await;
    let job = claim(&*world.store, run.id(), "begin").await;
    commit(&*world.store, &job, vec![Change::Fail { stage_key: "begin".into(), error: "no".into() }]).await;
    world.clock.advance(HOUR);
    assert_eq!(reap(&engine).await, (1, 0));
    let record = run.record().await.unwrap();
    assert_eq!((record.status, record.error.unwrap().code.as_str()), (Status::Failed, "STAGE_FAILED"));
}

async fn a_run_that_cannot_continue_fails_with_its_own_code(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine).await;
    // A queued job without attempts left: no worker may claim it.
    for _ in 0..3 {
        let job = claim(&*world.store, run.id(), "begin").await;
        let (stage_key, error) = ("begin".into(), "no".into());
        commit(&*world.store, &job, vec![Change::Retry { stage_key, error, delay: Duration::ZERO }]).await;
    }
    let other = started(&engine).await;
    world.clock.advance(HOUR);
    assert_eq!(reap(&engine).await, (0, 1));
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, "STUCK_RUN_REAPED");
    assert_eq!(
        error.message,
        "it made no progress for 3600s and cannot be repaired; its open stages: `begin` (PENDING), `left` (PENDING), \
         `right` (PENDING), `join` (PENDING)"
    );
    assert_eq!(tests::events::names(&run).await.last(), Some(&"workflow:failed"));
    assert_eq!(finish(&world, other.id()).await.unwrap(), 220, "a healthy run is left alone");
}

async fn a_run_of_an_unregistered_definition_is_left_alone(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine).await;
    complete_without_transition(&*world.store, run.id(), "begin", &2).await;
    world.clock.advance(HOUR);
    let other = world.engine().register::<fan>().without_worker().build().await.unwrap();
    assert_eq!(reap(&other).await, (0, 0));
    assert_eq!(run.status().await.unwrap(), Status::Running);
}

async fn concurrent_repairs_process_a_completion_once(world: World) {
    let engine = engine(&world).await;
    for _ in 0..5 {
        let run = started(&engine).await;
        complete_without_transition(&*world.store, run.id(), "begin", &2).await;
        engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
        complete_without_transition(&*world.store, run.id(), "left", &20).await;
        let repair = || engine.dispatch(TransitionRun { run_id: run.id() });
        let repairs = futures_util::future::join_all((0..4).map(|_| repair())).await;
        let advanced = repairs
            .into_iter()
            .filter(|repaired| repaired.as_ref().unwrap().action == TransitionAction::Advanced);
        assert_eq!(advanced.count(), 1);
        let join = world.store.stage(run.id(), &"join".into()).await.unwrap().unwrap();
        assert_eq!((join.status, join.waiting_on), (Status::Pending, 1), "`right` is still to come");
        run.cancel("enough").await.unwrap();
    }
}

async fn a_worker_reaps_at_its_start_and_a_threshold_after_a_change(world: World) {
    let engine = engine(&world).await;
    let before = started(&engine).await;
    complete_without_transition(&*world.store, before.id(), "begin", &2).await;
    world.clock.advance(HOUR);
    // Longer than the clock advances here while a body runs.
    let lease = Duration::from_secs(1_000_000);
    let builder = world.engine().register::<diamond>().stuck_threshold(HOUR).lease(lease);
    let worker = builder.build().await.unwrap();
    let output = |run: &RunHandle<diamond>| {
        let (worker, run_id) = (worker.clone(), run.id());
        tokio::spawn(
            async move { worker.run_handle::<diamond>(run_id).await.unwrap().output().await.unwrap() },
        )
    };
    assert_eq!(output(&before).await.unwrap(), 220);

    let later = engine.start::<diamond>(BeginInput { number: 1 }).await.unwrap();
    assert_eq!(output(&later).await.unwrap(), 220);
    // A rerun in a commit that does not enqueue its job.
    let stages = vec![workflow_engine::ports::RerunStage { stage_key: "join".into(), waiting_on: 0 }];
    apply(&*world.store, later.id(), vec![Change::Rerun { stages, waiting_on: 1 }]).await;
    let waiting = output(&later);
    while !waiting.is_finished() {
        // Once the stage has its job, time stands still: it would take the leases of the worker away.
        if world.store.stage(later.id(), &"join".into()).await.unwrap().unwrap().status == Status::Pending {
            world.clock.advance(HOUR / 4);
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(waiting.await.unwrap(), 220);
}

on_every_store!(
    a_ready_stage_without_a_job_is_enqueued,
    a_ready_stage_without_a_job_is_enqueued_beside_a_running_stage,
    an_unprocessed_last_completion_completes_the_run,
    unprocessed_completions_of_a_last_group_complete_the_run,
    an_unprocessed_failure_fails_the_run,
    a_run_that_cannot_continue_fails_with_its_own_code,
    a_run_of_an_unregistered_definition_is_left_alone,
    concurrent_repairs_process_a_completion_once,
    a_worker_reaps_at_its_start_and_a_threshold_after_a_change,
);
