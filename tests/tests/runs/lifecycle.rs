//! Runs from start to output.

use std::sync::atomic::{AtomicUsize, Ordering};

use tests::events::{names, wait_for};
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::{
    ClaimPendingRuns, CreateRun, ExecuteJob, JobOutcome, TransitionAction, TransitionRun,
};
use workflow_engine::prelude::*;
use workflow_engine::records::{EventKind, StoredValue};
use workflow_engine::{Json, RunId};

#[stage]
async fn start(number: u64, #[config(default = 1)] step: u64) -> StageResult<u64> {
    Ok(number + step)
}

#[stage]
async fn times_ten(number: u64) -> StageResult<u64> {
    Ok(number * 10)
}

#[stage]
async fn shown(number: u64) -> StageResult<String> {
    Ok(format!("<{number}>"))
}

#[stage]
async fn joined(tens: u64, text: String, #[require(start)] number: &u64) -> StageResult<String> {
    Ok(format!("{tens} {text} {number}"))
}

workflow! {
    /// A workflow that joins two branches.
    diamond = start >> [times_ten, shown] >> joined;
    /// A workflow that ends in a group.
    fan = start >> [times_ten, shown];
}

async fn a_diamond_runs_to_its_typed_output(world: World) {
    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let run = engine.start::<diamond>(StartInput { number: 4 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "50 <5> 5");
    assert_eq!(run.status().await.unwrap(), Status::Completed);
    let outputs = run.outputs().await.unwrap();
    assert_eq!((outputs.start, outputs.times_ten), (Some(5), Some(50)));
    assert_eq!(outputs.shown.as_deref(), Some("<5>"));
    assert_eq!(run.input().await.unwrap().number, 4);

    let names = names(&run).await;
    assert_eq!(names.len(), 11);
    assert_eq!(names[..4], ["workflow:created", "workflow:started", "stage:started", "stage:completed"]);
    assert_eq!(names[9..], ["stage:completed", "workflow:completed"]);
}

async fn a_last_group_delivers_a_tuple(world: World) {
    let engine = world.engine().register::<fan>().build().await.unwrap();
    let run = engine.start::<fan>(StartInput { number: 1 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), (20, "<2>".to_owned()));
}

async fn the_completed_event_has_the_output_or_names_its_stages(world: World) {
    let output_of = async |engine: &Engine| {
        let run = engine.start::<fan>(StartInput { number: 1 }).await.unwrap();
        run.output().await.unwrap();
        let completed = |kind: &EventKind| matches!(kind, EventKind::WorkflowCompleted { .. });
        match wait_for(&run, completed).await {
            EventKind::WorkflowCompleted { output, output_stages, .. } => (output, output_stages),
            other => panic!("{other:?}"),
        }
    };
    let engine = world.engine().register::<fan>().build().await.unwrap();
    let output = Json::encode(&(20, "<2>")).unwrap();
    assert_eq!(output_of(&engine).await, (Some(output), vec![]));
    engine.drain().await;

    // One of the outputs goes to the blob store.
    let engine = world.engine().register::<fan>().inline_limit(3).build().await.unwrap();
    let expected = (None, vec!["times-ten".to_owned(), "shown".to_owned()]);
    assert_eq!(output_of(&engine).await, expected);
}

async fn a_repeated_key_creates_no_second_run_and_conflicts_with_another_request(world: World) {
    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let start = |number| engine.start::<diamond>(StartInput { number }).idempotency_key("order-7");
    let first = start(4).await.unwrap();
    assert_eq!(first.output().await.unwrap(), "50 <5> 5");
    assert_eq!(start(4).await.unwrap().id(), first.id());

    let error = start(5).await.unwrap_err();
    assert!(error.is_conflict());
    assert_eq!(error.code(), "IDEMPOTENCY_CONFLICT");
    assert_eq!(error.to_string(), "idempotency key `order-7` of `run.create` was used for another request");
    let other = engine.start::<diamond>(StartInput { number: 4 }).idempotency_key("order-8").await.unwrap();
    assert_ne!(other.id(), first.id());
}

async fn configuration_is_typed_and_filled_with_defaults(world: World) {
    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let mut config = DiamondConfig::default();
    config.start.step = 100;
    let run = engine.start::<diamond>(StartInput { number: 4 }).config(config).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "1040 <104> 104");
}

async fn a_json_request_is_validated_before_anything_is_written(world: World) {
    let engine = world.engine().register::<diamond>().without_worker().build().await.unwrap();
    let create = |workflow: &str, input: &str, config: Option<&str>| {
        let create = CreateRun::new(workflow, Json::parse(input).unwrap());
        match config {
            Some(config) => create.config(Json::parse(config).unwrap()),
            None => create,
        }
    };
    let refused = [
        (create("dimond", "{}", None), "WORKFLOW_NOT_FOUND"),
        (create("diamond", r#"{"number":"x"}"#, None), "INVALID_INPUT"),
        (create("diamond", "{}", None), "INVALID_INPUT"),
        (create("diamond", r#"{"number":1}"#, Some("[]")), "INVALID_CONFIG"),
        (create("diamond", r#"{"number":1}"#, Some(r#"{"strat":{}}"#)), "INVALID_CONFIG"),
        (create("diamond", r#"{"number":1}"#, Some(r#"{"start":{"stp":1}}"#)), "INVALID_CONFIG"),
        (create("diamond", r#"{"number":1}"#, Some(r#"{"start":{"step":"x"}}"#)), "INVALID_CONFIG"),
    ];
    for (command, code) in refused {
        let shown = format!("{command:?}");
        let error = engine.dispatch(command).await.unwrap_err();
        assert_eq!(error.code(), code, "{shown}: {error}");
    }
    assert!(world.store.unfinished_runs("diamond").await.unwrap().is_empty());

    let created = create("diamond", r#"{"number":1}"#, Some(r#"{"start":{}}"#));
    let created = engine.dispatch(created).await.unwrap();
    let request = world.store.request(created.run_id).await.unwrap().unwrap();
    assert_eq!(request.config.as_str(), r#"{"joined":{},"shown":{},"start":{"step":1},"times-ten":{}}"#);
}

async fn a_run_created_by_command_starts_in_the_creating_commit_where_the_worker_has_a_slot(world: World) {
    let engine = world.engine().register::<diamond>().build().await.unwrap();
    let created =
        engine.dispatch(CreateRun::new("diamond", Json::parse(r#"{"number":4}"#).unwrap())).await.unwrap();
    assert_eq!(created.status, Status::Running);
    let run = engine.run_handle::<diamond>(created.run_id).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "50 <5> 5");
}

async fn a_host_without_a_worker_drives_a_run_with_commands(world: World) {
    let engine = world.engine().register::<diamond>().without_worker().build().await.unwrap();
    let run = engine.start::<diamond>(StartInput { number: 4 }).await.unwrap();
    assert_eq!(run.status().await.unwrap(), Status::Pending);
    let advance = || engine.dispatch(TransitionRun { run_id: run.id() });
    let execute = |stage: &str| {
        engine.dispatch(ExecuteJob {
            worker_id: "function".into(),
            run_id: run.id(),
            stage_key: stage.into(),
            idempotency_key: None,
        })
    };
    assert_eq!(advance().await.unwrap().action, TransitionAction::Advanced);
    assert_eq!(advance().await.unwrap().action, TransitionAction::Noop);
    assert_eq!(execute("start").await.unwrap().outcome, JobOutcome::Completed);
    // A repeated command finds the stage completed; a premature one finds nothing to execute.
    assert_eq!(execute("start").await.unwrap().outcome, JobOutcome::Completed);
    assert!(matches!(execute("joined").await.unwrap().outcome, JobOutcome::Superseded { .. }));
    for stage in ["shown", "times-ten", "joined"] {
        assert_eq!(execute(stage).await.unwrap().outcome, JobOutcome::Completed, "{stage}");
    }
    assert_eq!(advance().await.unwrap().action, TransitionAction::Completed);
    assert_eq!(run.output().await.unwrap(), "50 <5> 5");
    let completions = names(&run).await.iter().filter(|name| **name == "stage:completed").count();
    assert_eq!(completions, 4);
    assert_eq!(execute("unknown").await.unwrap_err().code(), "STAGE_NOT_FOUND");
}

async fn pending_runs_are_claimed_by_priority_then_age(world: World) {
    let engine = world.engine().register::<diamond>().without_worker().build().await.unwrap();
    let mut expected = Vec::new();
    for priority in [5, 9, 5] {
        let run = engine.start::<diamond>(StartInput { number: 1 }).priority(priority).await.unwrap();
        expected.push(run.id());
    }
    expected.swap(0, 1);
    let command = ClaimPendingRuns { worker_id: "w".into(), limit: 10, slots: 1 };
    let claimed = engine.dispatch(command).await.unwrap().claimed;
    let order: Vec<RunId> = claimed.iter().map(|run| run.run_id).collect();
    assert_eq!(order, expected);
    assert_eq!(claimed.iter().map(|run| run.jobs.len()).collect::<Vec<_>>(), [1, 0, 0]);
}

#[stage]
async fn large(bytes: usize) -> StageResult<String> {
    Ok("x".repeat(bytes))
}

#[stage]
async fn measured(text: String) -> StageResult<usize> {
    Ok(text.len())
}

workflow! { heavy = large >> measured }

async fn large_outputs_go_to_the_blob_store_and_small_ones_stay_inline(world: World) {
    let engine = world.engine().register::<heavy>().inline_limit(1_000).build().await.unwrap();
    for (bytes, is_blob) in [(900, false), (5_000_000, true)] {
        let run = engine.start::<heavy>(LargeInput { bytes }).await.unwrap();
        assert_eq!(run.output().await.unwrap(), bytes);
        let stages = world.store.stages(run.id()).await.unwrap();
        assert_eq!(matches!(stages[0].output, Some(StoredValue::Blob(_))), is_blob);
        assert_eq!(run.outputs().await.unwrap().large.unwrap().len(), bytes);
    }
}

static RUNNING: AtomicUsize = AtomicUsize::new(0);

#[stage]
async fn crowded(limit: usize, ctx: &StageContext) -> StageResult<usize> {
    let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    if running > limit {
        return Err(StageError::permanent(format!("{running} bodies at the same time")));
    }
    ctx.log(workflow_engine::LogLevel::Info, "running", running);
    Ok(running)
}

workflow! { crowd = crowded }

async fn many_runs_share_the_slots_of_a_worker(world: World) {
    let engine = world.engine().register::<crowd>().concurrency(3).build().await.unwrap();
    let mut runs = Vec::new();
    for _ in 0..50 {
        // Two stores may run this test at the same time, each with three slots.
        runs.push(engine.start::<crowd>(CrowdedInput { limit: 6 }).await.unwrap());
    }
    for run in runs {
        run.output().await.unwrap();
    }
}

async fn a_run_that_one_engine_starts_is_run_by_another(world: World) {
    let starter = world.engine().register::<diamond>().without_worker().build().await.unwrap();
    let _worker = world.engine().register::<diamond>().build().await.unwrap();
    let run = starter.start::<diamond>(StartInput { number: 4 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "50 <5> 5");
}

async fn a_run_of_an_unknown_definition_is_left_alone(world: World) {
    let starter = world.engine().register::<diamond>().without_worker().build().await.unwrap();
    let run = starter.start::<diamond>(StartInput { number: 4 }).await.unwrap();
    let other = world.engine().register::<fan>().build().await.unwrap();
    let own = other.start::<fan>(StartInput { number: 1 }).await.unwrap();
    own.output().await.unwrap();
    assert_eq!(run.status().await.unwrap(), Status::Pending);
    assert_eq!(other.run_handle::<fan>(run.id()).await.unwrap_err().code(), "WORKFLOW_MISMATCH");
    assert_eq!(tests::unfinished::unfinished::<diamond>(&starter).await.unwrap()[0].id(), run.id());
}

#[stage]
async fn talks(number: u32, ctx: &StageContext) -> StageResult<u32> {
    ctx.log(workflow_engine::LogLevel::Warn, "half way", [number]);
    ctx.progress(0.5, "half way");
    signal::wait(ctx.run_id(), "seen").await;
    Ok(number)
}

workflow! { talking = talks }

async fn progress_and_logs_are_visible_while_the_body_runs(world: World) {
    let engine = world.engine().register::<talking>().build().await.unwrap();
    let run = engine.start::<talking>(TalksInput { number: 3 }).await.unwrap();
    tests::events::wait_for(&run, |kind| kind.name() == "stage:progress").await;
    let logs = world.store.logs(run.id(), 0, 10).await.unwrap();
    assert_eq!(logs.len(), 1);
    assert_eq!((logs[0].message.as_str(), logs[0].fields.as_str()), ("half way", "[3]"));
    signal::give(run.id(), "seen");
    assert_eq!(run.output().await.unwrap(), 3);
}

async fn two_workflows_under_one_id_are_refused(world: World) {
    let error = world.engine().register::<diamond>().register::<diamond>().build().await.unwrap_err();
    assert_eq!(error.to_string(), "two workflows are registered with the id `diamond` and version 1");
}

async fn a_waiting_handle_fails_on_shutdown(world: World) {
    let engine = world.engine().register::<diamond>().without_worker().build().await.unwrap();
    let run = engine.start::<diamond>(StartInput { number: 1 }).await.unwrap();
    let waiting = tokio::spawn({
        let run = run.clone();
        async move { run.output().await }
    });
    tokio::task::yield_now().await;
    engine.shutdown().await;
    let error = waiting.await.unwrap().unwrap_err();
    assert!(error.is_retryable(), "{error}");
}

on_every_store!(
    a_diamond_runs_to_its_typed_output,
    a_last_group_delivers_a_tuple,
    the_completed_event_has_the_output_or_names_its_stages,
    a_repeated_key_creates_no_second_run_and_conflicts_with_another_request,
    configuration_is_typed_and_filled_with_defaults,
    a_json_request_is_validated_before_anything_is_written,
    a_run_created_by_command_starts_in_the_creating_commit_where_the_worker_has_a_slot,
    a_host_without_a_worker_drives_a_run_with_commands,
    pending_runs_are_claimed_by_priority_then_age,
    large_outputs_go_to_the_blob_store_and_small_ones_stay_inline,
    many_runs_share_the_slots_of_a_worker,
    a_run_that_one_engine_starts_is_run_by_another,
    a_run_of_an_unknown_definition_is_left_alone,
    progress_and_logs_are_visible_while_the_body_runs,
    two_workflows_under_one_id_are_refused,
    a_waiting_handle_fails_on_shutdown,
);
