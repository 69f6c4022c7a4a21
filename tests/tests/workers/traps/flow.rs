//! Traps of the flow of work through a run.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{join, join_all};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::Json;
use workflow_engine::kernel::{
    CreateRun, JobOutcome, ReapStuckRuns, RerunFrom, TransitionAction, TransitionRun,
};
use workflow_engine::prelude::*;
use workflow_engine::records::{Claimant, EventKind};

use super::bodies::{calls, diamond, engine, execute, started};

/// The trap: a permanent failure of a stage leaves its run RUNNING and its siblings PENDING for ever.
async fn trap_01_a_permanent_failure_of_a_stage_ends_its_run_and_its_siblings(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 9).await;
    execute(&engine, run.id(), "begin").await;
    let failed = execute(&engine, run.id(), "right").await;
    assert_eq!(failed, JobOutcome::Failed { error: "no".into(), retryable: false });
    assert_eq!(run.status().await.unwrap(), Status::Failed);
    let stages = world.store.stages(run.id()).await.unwrap();
    let statuses: Vec<Status> = stages.iter().map(|stage| stage.status).collect();
    assert_eq!(statuses, [Status::Completed, Status::Cancelled, Status::Failed, Status::Cancelled]);
}

/// The trap: in `a >> [p1, p2] >> z`, p2 receives the output of p1.
async fn trap_02_each_branch_receives_the_output_of_its_predecessor(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 0).await;
    for stage in ["begin", "left", "right", "join"] {
        assert_eq!(execute(&engine, run.id(), stage).await, JobOutcome::Completed);
    }
    assert_eq!(run.output().await.unwrap(), "left 2 right 200");
}

/// The trap: a duplicate delivery executes a completed stage again, and concurrent transitions enqueue the next stage
/// twice.
async fn trap_03_duplicates_execute_and_enqueue_once(world: World) {
    let engine = engine(&world).await;
    let run = engine.start::<diamond>(super::bodies::BeginInput { number: 1 }).await.unwrap();
    let transition = || engine.dispatch(TransitionRun { run_id: run.id() });
    let (first, second) = join(transition(), transition()).await;
    let actions = [first.unwrap().action, second.unwrap().action];
    assert!(actions.contains(&TransitionAction::Advanced) && actions.contains(&TransitionAction::Noop));
    for stage in ["begin", "left", "right", "join"] {
        let deliveries = join_all((0..4).map(|_| execute(&engine, run.id(), stage))).await;
        assert!(deliveries.contains(&JobOutcome::Completed), "{deliveries:?}");
        assert_eq!(execute(&engine, run.id(), stage).await, JobOutcome::Completed);
        assert_eq!(calls(run.id(), stage), 1);
        assert_ne!(transition().await.unwrap().action, TransitionAction::Advanced);
    }
}

/// The trap: jobs are enqueued after the commit, and a crash between the two stalls the run. Here each commit also
/// enqueues the jobs of the stages that become ready.
async fn trap_10_after_every_commit_each_ready_stage_has_its_job(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 0).await;
    for stage in ["begin", "left", "right", "join"] {
        assert_eq!(execute(&engine, run.id(), stage).await, JobOutcome::Completed);
        // No transition was dispatched, and none is needed.
        let reaped = engine.dispatch(ReapStuckRuns { threshold: Duration::ZERO }).await.unwrap();
        assert_eq!((reaped.repaired, reaped.failed), (0, 0), "after `{stage}`");
    }
    assert_eq!(run.status().await.unwrap(), Status::Completed);
}

/// The trap: a failed run keeps its queued jobs, which then execute in the rerun.
async fn trap_12_a_failed_run_leaves_no_job_to_its_rerun(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 1).await;
    execute(&engine, run.id(), "begin").await;
    execute(&engine, run.id(), "right").await;
    let snapshot = world.store.snapshot(run.id()).await.unwrap().unwrap();
    assert!(snapshot.jobs.iter().all(|job| job.status == Status::Dead), "{:?}", snapshot.jobs);
    let claim = Claimant { worker_id: "w".into(), lease: Duration::from_secs(15), number: None };
    let definitions = [diamond::definition().fingerprint().to_owned()];
    assert!(world.store.claim_jobs(&claim, &definitions, 10).await.unwrap().is_empty());

    let (from_stage_id, idempotency_key) = ("right".into(), None);
    let rerun = RerunFrom { run_id: run.id(), from_stage_id, idempotency_key, dry_run: false };
    assert_eq!(engine.dispatch(rerun).await.unwrap().stages, ["left", "right", "join"]);
    for stage in ["left", "right", "join"] {
        assert_eq!(execute(&engine, run.id(), stage).await, JobOutcome::Completed);
    }
    let counted = ["begin", "left", "right", "join"].map(|stage| calls(run.id(), stage));
    assert_eq!(counted, [1, 1, 2, 1]);
}

/// The traps: an invalid configuration is passed on silently, an old error stays after a later success, and the
/// duration of a rerun counts from the creation of the run.
async fn trap_16_requests_are_validated_and_a_rerun_starts_fresh(world: World) {
    let engine = engine(&world).await;
    let create = |input: &str, config: &str| {
        CreateRun::new("diamond", Json::parse(input).unwrap()).config(Json::parse(config).unwrap())
    };
    for (input, config, code) in [
        (r#"{"number":1}"#, r#"{"right":{"failures":"many"}}"#, "INVALID_CONFIG"),
        (r#"{"number":1}"#, r#"{"right":{"failuers":1}}"#, "INVALID_CONFIG"),
        (r#"{"number":-1}"#, "{}", "INVALID_INPUT"),
    ] {
        assert_eq!(engine.dispatch(create(input, config)).await.unwrap_err().code(), code);
    }
    assert!(world.store.unfinished_runs("diamond").await.unwrap().is_empty());

    let run = started(&engine, 1).await;
    world.clock.advance(Duration::from_secs(3_600));
    execute(&engine, run.id(), "begin").await;
    execute(&engine, run.id(), "right").await;
    assert!(world.store.stage(run.id(), &"right".into()).await.unwrap().unwrap().error_message.is_some());
    let (from_stage_id, idempotency_key) = ("right".into(), None);
    let rerun = RerunFrom { run_id: run.id(), from_stage_id, idempotency_key, dry_run: false };
    engine.dispatch(rerun).await.unwrap();
    world.clock.advance(Duration::from_secs(7));
    for stage in ["left", "right", "join"] {
        execute(&engine, run.id(), stage).await;
    }
    assert_eq!(world.store.stage(run.id(), &"right".into()).await.unwrap().unwrap().error_message, None);
    let record = run.record().await.unwrap();
    assert_eq!((record.status, record.error), (Status::Completed, None));
    let events: Vec<_> = run.events().collect().await;
    let Some(Ok(last)) = events.last() else { panic!("{events:?}") };
    assert!(matches!(last.kind, EventKind::WorkflowCompleted { duration_ms: 7_000, .. }), "{:?}", last.kind);
}

on_every_store!(
    trap_01_a_permanent_failure_of_a_stage_ends_its_run_and_its_siblings,
    trap_02_each_branch_receives_the_output_of_its_predecessor,
    trap_03_duplicates_execute_and_enqueue_once,
    trap_10_after_every_commit_each_ready_stage_has_its_job,
    trap_12_a_failed_run_leaves_no_job_to_its_rerun,
    trap_16_requests_are_validated_and_a_rerun_starts_fresh,
);
