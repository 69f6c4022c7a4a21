//! The host that works when it is called, and only then.

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

#[stage(check = looked, poll_every = "1h")]
async fn asked(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[check]
async fn looked(ticket: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Ready(ticket * 10))
}

workflow! { asking = asked }

/// Says that it has begun, and ends when it is told to.
#[stage(retry(max_attempts = 1))]
async fn patient(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "begun");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number)
}

workflow! { patience = patient }

async fn engine(world: &World) -> Engine {
    let builder = world.engine().register::<diamond>().register::<asking>().register::<patience>();
    builder.without_worker().build().await.unwrap()
}

fn host(engine: &Engine) -> Serverless {
    engine.serverless(ServerlessSettings::default())
}

fn done(processed: usize, succeeded: usize, failed: usize) -> ProcessJobsOutput {
    ProcessJobsOutput { processed, succeeded, failed }
}

/// A queue's consumer: the first message starts the run, and each answer says which messages follow.
async fn a_run_goes_from_message_to_message(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<diamond>(FirstInput { number: 4 }).await.unwrap();
    let mut queue = vec![JobMessage { run_id: run.id(), stage_id: None }];
    let mut stages = Vec::new();
    while let Some(message) = queue.pop() {
        let handled = host.handle_job(message.clone()).await.unwrap();
        if let Some(stage_id) = message.stage_id {
            // A message that names a stage which another one has run already runs nothing.
            if handled.outcome == Some(JobOutcome::Completed) && !stages.contains(&stage_id) {
                stages.push(stage_id);
            }
        }
        queue.extend(handled.ready);
    }
    assert_eq!(stages.len(), 4);
    assert_eq!((stages[0].as_str(), stages[3].as_str()), ("first", "last"));
    assert_eq!(run.output().await.unwrap(), 13);
    let started = world.store.events(run.id(), 0, 100).await.unwrap();
    let started = started.iter().filter(|event| event.kind.name() == "stage:started").count();
    assert_eq!(started, 4, "each stage was run once");
}

async fn a_message_that_comes_twice_runs_nothing(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<patience>(PatientInput { number: 4 }).await.unwrap();
    let started = host.handle_job(JobMessage { run_id: run.id(), stage_id: None }).await.unwrap();
    assert_eq!(started.outcome, None);
    let message = JobMessage { run_id: run.id(), stage_id: Some("patient".into()) };
    assert_eq!(started.ready, std::slice::from_ref(&message));

    let first = tokio::spawn({
        let (host, message) = (host.clone(), message.clone());
        async move { host.handle_job(message).await.unwrap() }
    });
    signal::wait(run.id(), "begun").await;
    let second = host.handle_job(message.clone()).await.unwrap();
    assert!(matches!(second.outcome, Some(JobOutcome::Superseded { .. })), "{second:?}");
    signal::give(run.id(), "end");
    assert_eq!(first.await.unwrap().outcome, Some(JobOutcome::Completed));
    assert_eq!(host.handle_job(message).await.unwrap().outcome, Some(JobOutcome::Completed));
    assert_eq!(run.output().await.unwrap(), 4);
}

async fn what_is_ready_is_processed_up_to_a_number(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let mut runs = Vec::new();
    for number in 0..3 {
        runs.push(engine.start::<diamond>(FirstInput { number }).await.unwrap());
    }
    let five = ProcessJobs { max_jobs: 5, concurrency: 2 };
    assert_eq!(host.process_available_jobs(five).await.unwrap(), done(5, 5, 0));
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), done(7, 7, 0));
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), done(0, 0, 0));
    for (number, run) in (0..).zip(&runs) {
        assert_eq!(run.output().await.unwrap(), 3 * number + 1);
    }
}

async fn a_failed_attempt_is_counted_and_its_retry_is_what_is_due_next(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<diamond>(FirstInput { number: 13 }).await.unwrap();
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), done(3, 2, 1));
    let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
    let due = ticked.next_due.expect("the retry waits");
    let hour = (due - world.clock_now()).to_std().unwrap();
    assert!(hour > Duration::from_secs(3_000) && hour <= Duration::from_secs(4_000), "{hour:?}");
    world.clock.advance(hour);
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), done(2, 2, 0));
    assert_eq!(run.output().await.unwrap(), 40);
}

async fn a_tick_starts_runs_and_checks_what_waits(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<asking>(AskedInput { number: 7 }).await.unwrap();
    let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!((ticked.claimed, ticked.suspended_checked), (1, 0));
    assert_eq!(ticked.next_due, Some(world.clock_now()), "the stage is ready");

    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), done(1, 1, 0));
    let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!((ticked.claimed, ticked.suspended_checked), (0, 0));
    assert_eq!(ticked.next_due, Some(world.clock_now() + Duration::from_secs(3_600)));

    world.clock.advance(Duration::from_secs(3_600));
    let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!((ticked.suspended_checked, ticked.next_due), (1, None));
    assert_eq!(run.output().await.unwrap(), 70);
}

async fn a_tick_takes_back_what_a_lost_invocation_held(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<diamond>(FirstInput { number: 1 }).await.unwrap();
    host.run_maintenance_tick(MaintenanceTick::default()).await;
    let lost =
        workflow_engine::records::Claimant { worker_id: "lost".into(), lease: Duration::from_secs(15) };
    let definitions = [diamond::definition().fingerprint().to_owned()];
    assert_eq!(world.store.claim_jobs(&lost, &definitions, 1).await.unwrap().len(), 1);

    let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!((ticked.stale_released, ticked.next_due), (0, Some(world.clock_now() + lost.lease)));
    world.clock.advance(lost.lease);
    assert_eq!(host.run_maintenance_tick(MaintenanceTick::default()).await.stale_released, 1);
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), done(4, 4, 0));
    assert_eq!(run.output().await.unwrap(), 4);
}

async fn an_invocation_that_is_out_of_time_hands_back_and_the_attempt_does_not_count(world: World) {
    let engine = engine(&world).await;
    // Far below the lease, so no renewal comes between.
    let limited = engine.serverless(ServerlessSettings::default().time_limit(Duration::from_secs(2)));
    let run = engine.start::<patience>(PatientInput { number: 1 }).await.unwrap();
    let invocation =
        tokio::spawn(async move { limited.process_available_jobs(ProcessJobs::default()).await.unwrap() });
    signal::wait(run.id(), "begun").await;
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(invocation.await.unwrap(), done(1, 0, 0));
    let stage = &world.store.stages(run.id()).await.unwrap()[0];
    assert_eq!((stage.status, stage.attempt), (Status::Pending, 0));

    signal::give(run.id(), "end");
    let host = host(&engine);
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), done(1, 1, 0));
    assert_eq!(run.output().await.unwrap(), 1);
}

/// The heartbeat lives as long as the invocation.
async fn a_body_that_is_longer_than_its_lease_keeps_it(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<patience>(PatientInput { number: 1 }).await.unwrap();
    let invocation = tokio::spawn({
        let host = host.clone();
        async move { host.process_available_jobs(ProcessJobs::default()).await.unwrap() }
    });
    signal::wait(run.id(), "begun").await;
    let lease = engine.kernel().lease();
    for _ in 0..6 {
        let end = world.store.next_lease_end().await.unwrap();
        world.clock.advance(lease / 2);
        // Renewed by a thread, at its own time.
        while world.store.next_lease_end().await.unwrap() == end {
            tokio::task::yield_now().await;
        }
        assert_eq!(host.run_maintenance_tick(MaintenanceTick::default()).await.stale_released, 0);
    }
    signal::give(run.id(), "end");
    assert_eq!(invocation.await.unwrap(), done(1, 1, 0));
}

async fn a_caller_that_is_dropped_does_not_end_its_attempt(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let run = engine.start::<patience>(PatientInput { number: 1 }).await.unwrap();
    let invocation = tokio::spawn(async move { host.process_available_jobs(ProcessJobs::default()).await });
    signal::wait(run.id(), "begun").await;
    invocation.abort();
    assert!(invocation.await.unwrap_err().is_cancelled());
    signal::give(run.id(), "end");
    wait_for(&run, |event| event.name() == "workflow:completed").await;
}

async fn a_message_about_nothing_is_an_error_by_name(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    let nobody = JobMessage { run_id: workflow_engine::RunId::generate(), stage_id: None };
    assert_eq!(host.handle_job(nobody).await.unwrap_err().code(), "RUN_NOT_FOUND");
    let run = engine.start::<patience>(PatientInput { number: 1 }).await.unwrap();
    let nothing = JobMessage { run_id: run.id(), stage_id: Some("nothing".into()) };
    assert_eq!(host.handle_job(nothing).await.unwrap_err().code(), "STAGE_NOT_FOUND");
}

async fn the_steps_of_a_tick_are_isolated(world: World) {
    let engine = engine(&world).await;
    let host = host(&engine);
    world.store.close().await;
    let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
    let failed: Vec<_> = ticked.failed.iter().map(|failed| failed.step).collect();
    assert!(failed.contains(&Step::ReapStale) && failed.contains(&Step::ClaimPending), "{failed:?}");
    assert!(failed.contains(&Step::PollSuspended) && failed.contains(&Step::NextDue), "{failed:?}");
}

/// Keeps the instants that it is told, or refuses them.
#[derive(Default)]
struct Alarm {
    told: Mutex<Vec<DateTime<Utc>>>,
    is_broken: bool,
}

#[async_trait]
impl Scheduler for Alarm {
    async fn wake_at(&self, due: DateTime<Utc>) -> Result<(), SchedulerError> {
        if self.is_broken {
            return Err("it is out of order".into());
        }
        self.told.lock().unwrap().push(due);
        Ok(())
    }
}

impl Alarm {
    fn take(&self) -> Vec<DateTime<Utc>> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

fn with_alarm(engine: &Engine, alarm: &Arc<Alarm>) -> Serverless {
    engine.serverless(ServerlessSettings::default().scheduler(Arc::clone(alarm) as _))
}

async fn the_scheduler_is_told_after_each_call_what_is_due_next(world: World) {
    let engine = engine(&world).await;
    let alarm = Arc::new(Alarm::default());
    let host = with_alarm(&engine, &alarm);
    let now = world.clock_now();
    let hour = now + Duration::from_secs(3_600);

    let run = engine.start::<asking>(AskedInput { number: 7 }).await.unwrap();
    engine.start::<asking>(AskedInput { number: 8 }).await.unwrap();
    assert_eq!(alarm.take(), [now, now], "a run that nobody has started, each time");
    let message = |stage: Option<&str>| JobMessage { run_id: run.id(), stage_id: stage.map(str::to_owned) };
    host.handle_job(message(None)).await.unwrap();
    assert_eq!(alarm.take(), [now], "a stage is ready, and a run not started");
    host.handle_job(message(Some("asked"))).await.unwrap();
    assert_eq!(alarm.take(), [now], "a run is not started");
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), done(1, 1, 0));
    assert_eq!(alarm.take(), [hour], "two checks");
    assert!(host.handle_job(message(Some("nothing"))).await.is_err());
    assert_eq!(alarm.take(), [hour], "a call that fails is one as well");
    assert_eq!(host.run_maintenance_tick(MaintenanceTick::default()).await.next_due, Some(hour));
    assert_eq!(alarm.take(), [hour]);
    assert!(engine.wake(run.id(), "nothing").await.is_err());
    assert!(alarm.take().is_empty(), "a call that makes nothing ready");
    assert!(engine.wake(run.id(), "asked").await.unwrap());
    assert_eq!(alarm.take(), [now], "a stage that was woken");

    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(host.run_maintenance_tick(MaintenanceTick::default()).await.suspended_checked, 2);
    assert!(alarm.take().is_empty(), "nothing is due any more");
}

/// A check, a retry and an event that was refused: each brings about the call that it needs.
async fn a_host_that_only_the_scheduler_calls_brings_everything_to_its_end(world: World) {
    let sink = CollectingEventSink::new();
    let mut refused = false;
    sink.refuse(move |event| {
        let refuse = !refused && event.kind.name() == "workflow:completed";
        refused |= refuse;
        refuse.then(|| "away".to_owned())
    });
    let builder = world.engine().register::<diamond>().register::<asking>().event_sink(sink.clone());
    let engine = builder.without_worker().build().await.unwrap();
    let alarm = Arc::new(Alarm::default());
    let host = with_alarm(&engine, &alarm);

    let check = engine.start::<asking>(AskedInput { number: 7 }).await.unwrap();
    let retry = engine.start::<diamond>(FirstInput { number: 13 }).await.unwrap();
    let (mut calls, mut due) = (0, Some(world.clock_now()));
    while let Some(instant) = due {
        world.clock.advance((instant - world.clock_now()).to_std().unwrap_or_default());
        host.process_available_jobs(ProcessJobs::default()).await.unwrap();
        let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
        assert!(ticked.failed.is_empty(), "{:?}", ticked.failed);
        due = alarm.take().into_iter().min();
        calls += 1;
        assert!(calls < 20, "it is called without an end");
    }
    assert_eq!((check.output().await.unwrap(), retry.output().await.unwrap()), (70, 40));
    assert_eq!(sink.refusals(), 1);
    for run in [check.id(), retry.id()] {
        assert_eq!(sink.events_of(run), world.store.events(run, 0, 100).await.unwrap());
    }
}

async fn a_scheduler_that_fails_is_a_step_of_the_tick_and_stops_no_work(world: World) {
    let engine = engine(&world).await;
    let host = with_alarm(&engine, &Arc::new(Alarm { is_broken: true, ..Alarm::default() }));
    let run = engine.start::<asking>(AskedInput { number: 7 }).await.unwrap();
    assert_eq!(host.process_available_jobs(ProcessJobs::default()).await.unwrap(), done(1, 1, 0));
    host.handle_job(JobMessage { run_id: run.id(), stage_id: None }).await.unwrap();
    let ticked = host.run_maintenance_tick(MaintenanceTick::default()).await;
    let [failed] = &ticked.failed[..] else { panic!("{:?}", ticked.failed) };
    assert_eq!((failed.step, failed.error.code().as_str()), (Step::Schedule, "SCHEDULER_FAILED"));
    assert!(failed.error.to_string().ends_with("is due: it is out of order"), "{}", failed.error);
    assert!(ticked.next_due.is_some());
}

on_every_store!(
    the_scheduler_is_told_after_each_call_what_is_due_next,
    a_host_that_only_the_scheduler_calls_brings_everything_to_its_end,
    a_scheduler_that_fails_is_a_step_of_the_tick_and_stops_no_work,
    a_run_goes_from_message_to_message,
    a_message_that_comes_twice_runs_nothing,
    what_is_ready_is_processed_up_to_a_number,
    a_failed_attempt_is_counted_and_its_retry_is_what_is_due_next,
    a_tick_starts_runs_and_checks_what_waits,
    a_tick_takes_back_what_a_lost_invocation_held,
    an_invocation_that_is_out_of_time_hands_back_and_the_attempt_does_not_count,
    a_body_that_is_longer_than_its_lease_keeps_it,
    a_caller_that_is_dropped_does_not_end_its_attempt,
    a_message_about_nothing_is_an_error_by_name,
    the_steps_of_a_tick_are_isolated,
);
