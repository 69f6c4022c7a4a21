//! Hosts without a worker: checks, reports and executions by command.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join;
use tests::events::names;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::world::World;
use tests::{manual_claims, on_every_store, signal};
use workflow_engine::kernel::{
    ExecuteJob, ExecuteJobOutput, JobOutcome, PollSuspendedStages, PollSuspendedStagesOutput, ReportStage,
    ReportedLog, ReportedProgress, TransitionRun,
};
use workflow_engine::ports::Store;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::{EngineBuilder, Error, Json, LogLevel, RunId};

const HOUR: Duration = Duration::from_secs(3_600);

static CHECKS: LazyLock<Mutex<HashMap<RunId, u32>>> = LazyLock::new(Mutex::default);

#[stage(check = printed, poll_every = "1h", retry(max_attempts = 3, initial = "10s"))]
async fn print(ready_at: u32) -> StageResult<u32> {
    Ok(ready_at)
}

#[check]
async fn printed(ready_at: &u32, ctx: &StageContext) -> StageResult<Check<u32>> {
    let count = {
        let mut checks = CHECKS.lock().unwrap();
        let count = checks.entry(ctx.run_id()).or_default();
        *count += 1;
        *count
    };
    match *ready_at {
        0 => Err(StageError::retryable("the printer is on fire")),
        at if count >= at => Ok(Check::Ready(count)),
        _ => Ok(Check::Pending),
    }
}

#[stage]
async fn send(copies: u32) -> StageResult<u32> {
    Ok(copies)
}

workflow! { printing = print >> send }

fn execute(run_id: RunId, stage: &str, key: Option<&str>) -> ExecuteJob {
    ExecuteJob {
        worker_id: "lambda".into(),
        run_id,
        stage_key: stage.into(),
        idempotency_key: key.map(str::to_owned),
    }
}

async fn poll(engine: &Engine, max_checks: usize) -> PollSuspendedStagesOutput {
    engine.dispatch(PollSuspendedStages { worker_id: "lambda".into(), limit: max_checks }).await.unwrap()
}

async fn suspended(engine: &Engine, ready_at: u32) -> RunHandle<printing> {
    let run = engine.start::<printing>(PrintInput { ready_at }).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    let executed = engine.dispatch(execute(run.id(), "print", None)).await.unwrap();
    assert_eq!(executed.outcome, JobOutcome::Suspended { check_after: HOUR });
    run
}

async fn due_checks_run_and_the_resumed_runs_are_returned(world: World) {
    let engine = world.engine().register::<printing>().without_worker().build().await.unwrap();
    let (ready, later, fails) =
        (suspended(&engine, 1).await, suspended(&engine, 2).await, suspended(&engine, 0).await);
    assert_eq!(poll(&engine, 10).await, PollSuspendedStagesOutput::default(), "nothing is due");
    world.clock.advance(HOUR);
    let polled = poll(&engine, 10).await;
    assert_eq!((polled.checked, polled.resumed_run_ids), (3, vec![ready.id()]));
    assert_eq!(
        engine.dispatch(execute(ready.id(), "send", None)).await.unwrap().outcome,
        JobOutcome::Completed
    );
    assert_eq!(ready.output().await.unwrap(), 1);
    assert_eq!(poll(&engine, 10).await.checked, 0);
    // The failed check is due after its backoff, the other one after its interval.
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(poll(&engine, 10).await.checked, 1);
    world.clock.advance(HOUR);
    let polled = poll(&engine, 10).await;
    assert_eq!((polled.checked, polled.resumed_run_ids), (2, vec![later.id()]));
    assert_eq!(fails.status().await.unwrap(), Status::Failed);
}

async fn a_poll_respects_its_limit(world: World) {
    let engine = world.engine().register::<printing>().without_worker().build().await.unwrap();
    for _ in 0..3 {
        suspended(&engine, 1).await;
    }
    world.clock.advance(HOUR);
    assert_eq!(poll(&engine, 2).await.resumed_run_ids.len(), 2);
    assert_eq!(poll(&engine, 2).await.resumed_run_ids.len(), 1);
}

async fn two_pollers_run_each_check_once(world: World) {
    let engine = world.engine().register::<printing>().without_worker().build().await.unwrap();
    let mut runs = Vec::new();
    for _ in 0..5 {
        runs.push(suspended(&engine, 1).await);
    }
    world.clock.advance(HOUR);
    let (first, second) = join(poll(&engine, 10), poll(&engine, 10)).await;
    assert_eq!(first.checked + second.checked, 5);
    let checks = CHECKS.lock().unwrap();
    assert!(runs.iter().all(|run| checks[&run.id()] == 1));
}

async fn a_report_is_committed_live_and_touches_nothing_else(world: World) {
    let engine = world.engine().register::<printing>().without_worker().build().await.unwrap();
    let run = engine.start::<printing>(PrintInput { ready_at: 1 }).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    let job = manual_claims::claim(&*world.store, run.id(), "print").await;
    let before = world.store.snapshot(run.id()).await.unwrap().unwrap();
    let line = |message: &str| ReportedLog {
        level: LogLevel::Info,
        message: message.into(),
        fields: Json::null(),
        about_run: false,
    };
    let logs = vec![line("one"), line("two")];
    engine.dispatch(ReportStage { lease: job.lease.clone(), progress: None, logs }).await.unwrap();
    assert_eq!(world.store.snapshot(run.id()).await.unwrap().unwrap(), before);
    let logs = world.store.logs(run.id(), 0, 10).await.unwrap();
    assert_eq!(logs.iter().map(|line| line.message.as_str()).collect::<Vec<_>>(), ["one", "two"]);

    let progress = Some(ReportedProgress { fraction: 0.25, message: "a quarter".into() });
    let report = ReportStage { lease: job.lease.clone(), progress, logs: Vec::new() };
    engine.dispatch(report.clone()).await.unwrap();
    let events = world.store.events(run.id(), before.run.last_sequence, 10).await.unwrap();
    let [event] = events.as_slice() else { panic!("{events:?}") };
    assert!(
        matches!(&event.kind, EventKind::StageProgress { fraction, .. } if (fraction - 0.25).abs() < 1e-9)
    );
    // The report does not affect the outcome of the lease's holder. After the outcome, the lease is void.
    let release = workflow_engine::ports::Change::ReturnJob {
        stage_key: "print".into(),
        reason: "the worker stops".into(),
    };
    let commit = manual_claims::commit(&*world.store, &job, vec![release]).await;
    assert!(matches!(commit, workflow_engine::ports::Commit::Applied(_)));
    assert_eq!(engine.dispatch(report).await.unwrap_err().code(), "LEASE_LOST");
    let events = world.store.events(run.id(), event.sequence, 10).await.unwrap();
    let [returned] = events.as_slice() else { panic!("{events:?}") };
    assert!(matches!(returned.kind, EventKind::StageReturned { .. }), "{returned:?}");
}

/// Signals that it has started, waits for a signal, and fails in the first `failures` attempts.
#[stage(retry(max_attempts = 3, initial = "1s"))]
async fn slow(failures: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "started");
    signal::wait(ctx.run_id(), "end").await;
    if ctx.attempt() <= failures {
        return Err(StageError::retryable("not yet"));
    }
    Ok(ctx.attempt())
}

workflow! { slowly = slow }

async fn slow_run(engine: &Engine, failures: u32) -> RunHandle<slowly> {
    let run = engine.start::<slowly>(SlowInput { failures }).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    run
}

fn begin(
    engine: &Engine,
    run: &RunHandle<slowly>,
    key: &str,
) -> tokio::task::JoinHandle<Result<ExecuteJobOutput, Error>> {
    let (engine, command) = (engine.clone(), execute(run.id(), "slow", Some(key)));
    tokio::spawn(async move { engine.dispatch(command).await })
}

async fn a_key_is_in_progress_and_then_has_its_result(world: World) {
    let engine = world.engine().register::<slowly>().without_worker().build().await.unwrap();
    let run = slow_run(&engine, 1).await;
    let first = begin(&engine, &run, "m-1");
    signal::wait(run.id(), "started").await;
    let error = begin(&engine, &run, "m-1").await.unwrap().unwrap_err();
    assert_eq!(error.code(), "IDEMPOTENCY_IN_PROGRESS");
    assert!(error.is_conflict());
    let other_run = slow_run(&engine, 0).await;
    let error = begin(&engine, &other_run, "m-1").await.unwrap().unwrap_err();
    assert_eq!(error.code(), "IDEMPOTENCY_CONFLICT");
    signal::give(run.id(), "end");
    let result = first.await.unwrap().unwrap();
    assert_eq!(result.outcome, JobOutcome::Failed { error: "not yet".into(), retryable: true });

    // The same key returns the stored result, although the next attempt is due by now; another key runs it.
    world.clock.advance(HOUR);
    assert_eq!(begin(&engine, &run, "m-1").await.unwrap().unwrap(), result);
    signal::give(run.id(), "end");
    let second = begin(&engine, &run, "m-2").await.unwrap().unwrap();
    assert_eq!(second.outcome, JobOutcome::Completed);
    assert_eq!(begin(&engine, &run, "m-1").await.unwrap().unwrap(), result);
    assert_eq!(begin(&engine, &run, "m-2").await.unwrap().unwrap(), second);
    assert_eq!(run.output().await.unwrap(), 2);
}

/// Each of them looks for the key before one of them has written it.
async fn requests_with_one_key_at_the_same_time_return_the_first_result_or_say_that_it_is_in_progress(
    world: World,
) {
    let engine = world.engine().register::<slowly>().without_worker().build().await.unwrap();
    for failures in [0, 1] {
        let run = slow_run(&engine, failures).await;
        signal::give(run.id(), "end");
        let key = format!("k-{failures}");
        let results = (0..10).map(|_| engine.dispatch(execute(run.id(), "slow", Some(&key))));
        let results = futures_util::future::join_all(results).await;
        let first = engine.dispatch(execute(run.id(), "slow", Some(&key))).await.unwrap();
        assert!(results.iter().any(Result::is_ok));
        for result in results {
            match result {
                Ok(output) => assert_eq!(output, first),
                Err(error) => assert_eq!(error.code(), "IDEMPOTENCY_IN_PROGRESS", "{error}"),
            }
        }
    }
}

/// A process that does nothing more after its death, so it does not return its job to the queue either.
#[derive(Default)]
struct Mortal {
    is_dead: AtomicBool,
}

#[async_trait]
impl Interceptor for Mortal {
    async fn before(&self, _: Call) -> Result<u64, Error> {
        if self.is_dead.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        Ok(0)
    }
}

async fn a_key_of_a_dead_process_is_taken_over_when_its_lease_expires(world: World) {
    let mortal = Arc::new(Mortal::default());
    let store: Arc<dyn Store> = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&mortal)));
    let builder = EngineBuilder::with_store(store, Arc::new(world.clock.clone()));
    let dying = builder.register::<slowly>().without_worker().build().await.unwrap();
    let run = slow_run(&dying, 0).await;
    let first = begin(&dying, &run, "m-1");
    signal::wait(run.id(), "started").await;
    mortal.is_dead.store(true, Ordering::SeqCst);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let engine = world.engine().register::<slowly>().without_worker().build().await.unwrap();
    let run = engine.run_handle::<slowly>(run.id()).await.unwrap();
    let error = begin(&engine, &run, "m-1").await.unwrap().unwrap_err();
    assert_eq!(error.code(), "IDEMPOTENCY_IN_PROGRESS", "the lease has not expired");
    world.clock.advance(manual_claims::LEASE);
    signal::give(run.id(), "end");
    assert_eq!(begin(&engine, &run, "m-1").await.unwrap().unwrap().outcome, JobOutcome::Completed);
    assert_eq!(run.output().await.unwrap(), 2, "the lost attempt counts");
    assert_eq!(begin(&engine, &run, "m-1").await.unwrap().unwrap().outcome, JobOutcome::Completed);
    let completions = names(&run).await.iter().filter(|name| **name == "stage:completed").count();
    assert_eq!(completions, 1);
}

async fn a_final_failure_and_a_suspension_are_stored_as_well(world: World) {
    let engine =
        world.engine().register::<slowly>().register::<printing>().without_worker().build().await.unwrap();
    let run = slow_run(&engine, 9).await;
    for (attempt, retryable) in [(1, true), (2, true), (3, false)] {
        signal::give(run.id(), "end");
        let key = format!("a-{attempt}");
        let result = begin(&engine, &run, &key).await.unwrap().unwrap();
        assert_eq!(result.outcome, JobOutcome::Failed { error: "not yet".into(), retryable });
        assert_eq!(begin(&engine, &run, &key).await.unwrap().unwrap(), result);
        world.clock.advance(HOUR);
    }
    assert_eq!(run.status().await.unwrap(), Status::Failed);

    let run = engine.start::<printing>(PrintInput { ready_at: 1 }).await.unwrap();
    engine.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    let command = || execute(run.id(), "print", Some("p-1"));
    let suspended = engine.dispatch(command()).await.unwrap();
    assert_eq!(suspended.outcome, JobOutcome::Suspended { check_after: HOUR });
    world.clock.advance(HOUR);
    assert_eq!(engine.dispatch(command()).await.unwrap(), suspended);
    let check = engine.dispatch(execute(run.id(), "print", Some("p-2"))).await.unwrap();
    assert_eq!(check.outcome, JobOutcome::Completed);
}

on_every_store!(
    due_checks_run_and_the_resumed_runs_are_returned,
    a_poll_respects_its_limit,
    two_pollers_run_each_check_once,
    a_report_is_committed_live_and_touches_nothing_else,
    a_key_is_in_progress_and_then_has_its_result,
    requests_with_one_key_at_the_same_time_return_the_first_result_or_say_that_it_is_in_progress,
    a_key_of_a_dead_process_is_taken_over_when_its_lease_expires,
    a_final_failure_and_a_suspension_are_stored_as_well,
);
