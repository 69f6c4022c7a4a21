//! The serverless host, which works only when it is called.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tests::events::wait_for;
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::JobOutcome;
use workflow_engine::ports::{Scheduler, SchedulerError};
use workflow_engine::prelude::*;
use workflow_engine::serverless::{
    JobMessage, MaintenanceTick, ProcessJobs, ProcessJobsOutput, Serverless, ServerlessSettings, Step,
};
use workflow_engine::testing::CollectingEventSink;

#[stage]
async fn first(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
async fn left(number: u32) -> StageResult<u32> {
    Ok(number + 1)
}

#[stage(retry(max_attempts = 2, initial = "1h"))]
async fn right(number: u32, ctx: &StageContext) -> StageResult<u32> {
    if number == 13 && ctx.attempt() == 1 {
        return Err(StageError::retryable("unlucky"));
    }
    Ok(number * 2)
}

#[stage]
async fn last(left: u32, right: u32) -> StageResult<u32> {
    Ok(left + right)
}

workflow! { diamond = first >> [left, right] >> last }

#[stage(check = reply, poll_every = "1h")]
async fn question(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[check]
async fn reply(ticket: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Ready(ticket * 10))
}

workflow! { survey = question }

/// Signals that it has started, and waits for a signal to end.
#[stage(retry(max_attempts = 1))]
async fn patient(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "started");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number)
}

workflow! { patience = patient }

async fn engine(world: &World) -> Engine {
    let builder = world.engine().register::<diamond>().register::<survey>().register::<patience>();
    builder.without_worker().build().await.unwrap()
}

fn host(engine: &Engine) -> Serverless {
    engine.serverless(ServerlessSettings::default()).unwrap()
}

fn processed(processed: usize, succeeded: usize, failed: usize) -> ProcessJobsOutput {
    ProcessJobsOutput { processed, succeeded, failed }
}

/// Simulates the consumer of a queue: the first message starts the run, and each result contains the next messages.
async fn a_run_is_driven_by_messages(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<diamond>(FirstInput { number: 4 }).await.unwrap();
    let mut queue = vec![JobMessage { run_id: run.id(), stage_key: None }];
    let mut stages = Vec::new();
    while let Some(message) = queue.pop() {
        let handled = host.handle_job(message.clone()).await.unwrap();
        if let Some(stage_key) = message.stage_key {
            // A message for a stage that another message has run already runs nothing.
            if handled.outcome == Some(JobOutcome::Completed) && !stages.contains(&stage_key) {
                stages.push(stage_key);
            }
        }
        queue.extend(handled.ready);
    }
    assert_eq!(stages.len(), 4);
    assert_eq!((&*stages[0].id, &*stages[3].id), ("first", "last"));
    assert_eq!(run.output().await.unwrap(), 13);
    let started = world.store.events(run.id(), 0, 100).await.unwrap();
    let started = started.iter().filter(|event| event.kind.name() == "stage:started").count();
    assert_eq!(started, 4, "each stage ran once");
}

async fn a_duplicate_message_runs_nothing(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<patience>(PatientInput { number: 4 }).await.unwrap();
    let started = host.handle_job(JobMessage { run_id: run.id(), stage_key: None }).await.unwrap();
    assert_eq!(started.outcome, None);
    let message = JobMessage { run_id: run.id(), stage_key: Some("patient".into()) };
    assert_eq!(started.ready, std::slice::from_ref(&message));

    let first = tokio::spawn({
        let (host, message) = (host.clone(), message.clone());
        async move { host.handle_job(message).await.unwrap() }
    });
    signal::wait(run.id(), "started").await;
    let second = host.handle_job(message.clone()).await.unwrap();
    assert!(matches!(second.outcome, Some(JobOutcome::Superseded { .. })), "{second:?}");
    signal::give(run.id(), "end");
    assert_eq!(first.await.unwrap().outcome, Some(JobOutcome::Completed));
    assert_eq!(host.handle_job(message).await.unwrap().outcome, Some(JobOutcome::Completed));
    assert_eq!(run.output().await.unwrap(), 4);
}

async fn ready_jobs_are_processed_up_to_the_limit(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let mut runs = Vec::new();
    for number in 0..3 {
        runs.push(engine.start::<diamond>(FirstInput { number }).await.unwrap());
    }
    let five = ProcessJobs { max_jobs: 5, concurrency: 2 };
    assert_eq!(host.process_available_jobs(five).await.unwrap(), processed(5, 5, 0));
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), processed(7, 7, 0));
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), processed(0, 0, 0));
    for (number, run) in (0..).zip(&runs) {
        assert_eq!(run.output().await.unwrap(), 3 * number + 1);
    }
}

async fn a_failed_attempt_is_counted_and_its_retry_is_due_next(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<diamond>(FirstInput { number: 13 }).await.unwrap();
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), processed(3, 2, 1));
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    let due = report.next_due.expect("the retry is due later");
    let hour = (due - world.clock_now()).to_std().unwrap();
    assert!(hour > Duration::from_secs(3_000) && hour <= Duration::from_secs(4_000), "{hour:?}");
    world.clock.advance(hour);
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), processed(2, 2, 0));
    assert_eq!(run.output().await.unwrap(), 40);
}

async fn a_tick_starts_runs_and_checks_waiting_stages(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<survey>(QuestionInput { number: 7 }).await.unwrap();
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!((report.claimed, report.suspended_checked), (1, 0));
    assert_eq!(report.next_due, Some(world.clock_now()), "the stage is ready");

    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), processed(1, 1, 0));
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!((report.claimed, report.suspended_checked), (0, 0));
    assert_eq!(report.next_due, Some(world.clock_now() + Duration::from_secs(3_600)));

    world.clock.advance(Duration::from_secs(3_600));
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!((report.suspended_checked, report.next_due), (1, None));
    assert_eq!(run.output().await.unwrap(), 70);
}

async fn a_tick_reaps_the_lease_of_a_lost_invocation(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<diamond>(FirstInput { number: 1 }).await.unwrap();
    host.run_maintenance_tick(MaintenanceTick::default()).await;
    let lost = workflow_engine::records::Claimant {
        worker_id: "lost".into(),
        lease: Duration::from_secs(15),
        number: None,
    };
    let definitions = [diamond::definition().fingerprint().to_owned()];
    assert_eq!(world.store.claim_jobs(&lost, &definitions, 1).await.unwrap().len(), 1);

    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!((report.stale_released, report.next_due), (0, Some(world.clock_now() + lost.lease)));
    world.clock.advance(lost.lease);
    assert_eq!(host.run_maintenance_tick(MaintenanceTick::default()).await.stale_released, 1);
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), processed(4, 4, 0));
    assert_eq!(run.output().await.unwrap(), 4);
}

async fn an_invocation_out_of_time_returns_its_jobs_and_the_attempt_does_not_count(world: World) {
    let engine = engine(&world).await;
    // Well below the lease, so no renewal happens before the limit.
    let limited =
        engine.serverless(ServerlessSettings::default().time_limit(Duration::from_secs(2))).unwrap();
    let run = engine.start::<patience>(PatientInput { number: 1 }).await.unwrap();
    let invocation =
        tokio::spawn(async move { limited.process_available_jobs(ProcessJobs::default()).await.unwrap() });
    signal::wait(run.id(), "started").await;
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(invocation.await.unwrap(), processed(1, 0, 0));
    let stage = &world.store.stages(run.id()).await.unwrap()[0];
    assert_eq!((stage.status, stage.attempt), (Status::Pending, 0));

    signal::give(run.id(), "end");
    let host = host(&engine);
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), processed(1, 1, 0));
    assert_eq!(run.output().await.unwrap(), 1);
}

/// The heartbeat runs as long as the invocation.
async fn a_body_that_outlasts_its_lease_keeps_it(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<patience>(PatientInput { number: 1 }).await.unwrap();
    let invocation = tokio::spawn({
        let host = host.clone();
        async move { host.process_available_jobs(ProcessJobs::default()).await.unwrap() }
    });
    signal::wait(run.id(), "started").await;
    let lease = engine.kernel().lease();
    for _ in 0..6 {
        let end = world.store.next_lease_end().await.unwrap();
        // A renewal counts for the body once the heartbeat, which runs in its own thread, has read its result. The store
        // shows a renewal when the result of the one before has been read, so two steps must be shorter than the lease.
        world.clock.advance(lease * 2 / 5);
        while world.store.next_lease_end().await.unwrap() == end {
            tokio::task::yield_now().await;
        }
        assert_eq!(host.run_maintenance_tick(MaintenanceTick::default()).await.stale_released, 0);
    }
    signal::give(run.id(), "end");
    assert_eq!(invocation.await.unwrap(), processed(1, 1, 0));
}

async fn a_caller_that_is_dropped_does_not_end_its_attempt(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<patience>(PatientInput { number: 1 }).await.unwrap();
    let invocation = tokio::spawn(async move { host.process_available_jobs(ProcessJobs::default()).await });
    signal::wait(run.id(), "started").await;
    invocation.abort();
    assert!(invocation.await.unwrap_err().is_cancelled());
    signal::give(run.id(), "end");
    wait_for(&run, |event| event.name() == "workflow:completed").await;
}

async fn a_message_for_an_unknown_run_or_stage_is_an_error(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let unknown = JobMessage { run_id: workflow_engine::RunId::generate(), stage_key: None };
    assert_eq!(host.handle_job(unknown).await.unwrap_err().code(), "RUN_NOT_FOUND");
    let run = engine.start::<patience>(PatientInput { number: 1 }).await.unwrap();
    let unknown = JobMessage { run_id: run.id(), stage_key: Some("unknown".into()) };
    assert_eq!(host.handle_job(unknown).await.unwrap_err().code(), "STAGE_NOT_FOUND");
}

async fn the_steps_of_a_tick_are_isolated(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    world.store.close().await;
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    let failed: Vec<_> = report.failed.iter().map(|failed| failed.step).collect();
    assert!(failed.contains(&Step::ReapStale) && failed.contains(&Step::ClaimPending), "{failed:?}");
    assert!(failed.contains(&Step::PollSuspended) && failed.contains(&Step::NextDue), "{failed:?}");
}

/// A scheduler that records the instants it receives, or fails.
#[derive(Default)]
struct RecordingScheduler {
    instants: Mutex<Vec<DateTime<Utc>>>,
    is_broken: bool,
}

#[async_trait]
impl Scheduler for RecordingScheduler {
    async fn wake_at(&self, due: DateTime<Utc>) -> Result<(), SchedulerError> {
        if self.is_broken {
            return Err("the scheduler is down".into());
        }
        self.instants.lock().unwrap().push(due);
        Ok(())
    }
}

impl RecordingScheduler {
    fn take(&self) -> Vec<DateTime<Utc>> {
        std::mem::take(&mut *self.instants.lock().unwrap())
    }
}

fn with_scheduler(engine: &Engine, scheduler: &Arc<RecordingScheduler>) -> Serverless {
    engine.serverless(ServerlessSettings::default().scheduler(Arc::clone(scheduler) as _)).unwrap()
}

async fn the_scheduler_receives_the_next_due_instant_after_each_call(world: World) {
    let engine = engine(&world).await;
    let scheduler = Arc::new(RecordingScheduler::default());
    let host = with_scheduler(&engine, &scheduler);
    let now = world.clock_now();
    let hour = now + Duration::from_secs(3_600);

    let run = engine.start::<survey>(QuestionInput { number: 7 }).await.unwrap();
    engine.start::<survey>(QuestionInput { number: 8 }).await.unwrap();
    assert_eq!(scheduler.take(), [now, now], "a pending run is due immediately, each time");
    let message = |stage: Option<&str>| JobMessage { run_id: run.id(), stage_key: stage.map(Into::into) };
    host.handle_job(message(None)).await.unwrap();
    assert_eq!(scheduler.take(), [now], "a stage is ready, and another run is pending");
    host.handle_job(message(Some("question"))).await.unwrap();
    assert_eq!(scheduler.take(), [now], "another run is pending");
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), processed(1, 1, 0));
    assert_eq!(scheduler.take(), [hour], "two checks");
    assert!(host.handle_job(message(Some("unknown"))).await.is_err());
    assert_eq!(scheduler.take(), [hour], "the scheduler is called after a failed call as well");
    assert_eq!(host.run_maintenance_tick(MaintenanceTick::default()).await.next_due, Some(hour));
    assert_eq!(scheduler.take(), [hour]);
    assert!(engine.wake(run.id(), "unknown").await.is_err());
    assert!(scheduler.take().is_empty(), "a failed wake does not call the scheduler");
    assert!(engine.wake(run.id(), "question").await.unwrap());
    assert_eq!(scheduler.take(), [now], "the woken stage is due");

    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(host.run_maintenance_tick(MaintenanceTick::default()).await.suspended_checked, 2);
    assert!(scheduler.take().is_empty(), "no check is due any more");
}

/// A check, a retry and a refused event each schedule the call that they need.
async fn a_host_that_only_the_scheduler_calls_completes_every_run(world: World) {
    let sink = CollectingEventSink::new();
    let mut refused = false;
    sink.refuse(move |event| {
        let refuse = !refused && event.kind.name() == "workflow:completed";
        refused |= refuse;
        refuse.then(|| "unavailable".to_owned())
    });
    let builder = world.engine().register::<diamond>().register::<survey>().event_sink(sink.clone());
    let engine = builder.without_worker().build().await.unwrap();
    let scheduler = Arc::new(RecordingScheduler::default());
    let host = with_scheduler(&engine, &scheduler);

    let check = engine.start::<survey>(QuestionInput { number: 7 }).await.unwrap();
    let retry = engine.start::<diamond>(FirstInput { number: 13 }).await.unwrap();
    let (mut calls, mut due) = (0, Some(world.clock_now()));
    while let Some(instant) = due {
        world.clock.advance((instant - world.clock_now()).to_std().unwrap_or_default());
        host.process_available_jobs(ProcessJobs::default()).await.unwrap();
        let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        due = scheduler.take().into_iter().min();
        calls += 1;
        assert!(calls < 20, "the scheduler must stop calling the host");
    }
    assert_eq!((check.output().await.unwrap(), retry.output().await.unwrap()), (70, 40));
    assert_eq!(sink.refusals(), 1);
    for run in [check.id(), retry.id()] {
        assert_eq!(sink.events_of(run), world.store.events(run, 0, 100).await.unwrap());
    }
}

async fn a_failing_scheduler_is_reported_by_the_tick_and_stops_no_work(world: World) {
    let engine = engine(&world).await;
    let host = with_scheduler(
        &engine,
        &Arc::new(RecordingScheduler { is_broken: true, ..RecordingScheduler::default() }),
    );
    let run = engine.start::<survey>(QuestionInput { number: 7 }).await.unwrap();
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), processed(1, 1, 0));
    host.handle_job(JobMessage { run_id: run.id(), stage_key: None }).await.unwrap();
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    let [failed] = &report.failed[..] else { panic!("{:?}", report.failed) };
    assert_eq!((failed.step, failed.error.code().as_str()), (Step::Schedule, "SCHEDULER_FAILED"));
    let text = "the next invocation could not be scheduled: the scheduler is down";
    assert_eq!(failed.error.to_string(), text);
    assert!(report.next_due.is_some());
}

on_every_store!(
    the_scheduler_receives_the_next_due_instant_after_each_call,
    a_host_that_only_the_scheduler_calls_completes_every_run,
    a_failing_scheduler_is_reported_by_the_tick_and_stops_no_work,
    a_run_is_driven_by_messages,
    a_duplicate_message_runs_nothing,
    ready_jobs_are_processed_up_to_the_limit,
    a_failed_attempt_is_counted_and_its_retry_is_due_next,
    a_tick_starts_runs_and_checks_waiting_stages,
    a_tick_reaps_the_lease_of_a_lost_invocation,
    an_invocation_out_of_time_returns_its_jobs_and_the_attempt_does_not_count,
    a_body_that_outlasts_its_lease_keeps_it,
    a_caller_that_is_dropped_does_not_end_its_attempt,
    a_message_for_an_unknown_run_or_stage_is_an_error,
    the_steps_of_a_tick_are_isolated,
);
