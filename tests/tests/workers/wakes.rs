//! Waiting stages from outside: wakes, durations, and the scheduler.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tests::events::wait_for;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::TransitionRun;
use workflow_engine::ports::{Scheduler, SchedulerError};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::serverless::ServerlessSettings;

const HOUR: Duration = Duration::from_secs(3_600);

/// Returns its ticket.
#[stage(check = answered, poll_every = "1h")]
async fn ask(question: String) -> StageResult<String> {
    Ok(question)
}

#[check]
async fn answered(question: &String) -> StageResult<Check<usize>> {
    Ok(Check::Ready(question.len()))
}

workflow! { asking = ask }

fn input() -> AskInput {
    AskInput { question: "Why?".into() }
}

async fn suspended(run: &RunHandle<asking>) {
    wait_for(run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;
}

async fn a_wake_of_a_run_that_no_process_can_execute_says_so(world: World) {
    let first = world.engine().register::<asking>().build().await.unwrap();
    let run = first.start::<asking>(input()).await.unwrap();
    suspended(&run).await;
    first.drain().await;
    let other = world.engine().build().await.unwrap();
    let error = other.wake(run.id(), "ask").await.unwrap_err();
    assert_eq!(error.code(), "WORKFLOW_NOT_FOUND");
    assert!(error.to_string().contains(&run.id().to_string()), "{error}");
    // The clock does not move: the wake is stored for the first worker with the workflow.
    let second = world.engine().register::<asking>().build().await.unwrap();
    let run = second.run_handle::<asking>(run.id()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 4);
}

async fn the_duration_of_a_stage_does_not_include_its_wait(world: World) {
    let engine = world.engine().register::<asking>().build().await.unwrap();
    let run = engine.start::<asking>(input()).await.unwrap();
    suspended(&run).await;
    world.clock.advance(HOUR);
    run.output().await.unwrap();
    let kind = wait_for(&run, |kind| matches!(kind, EventKind::StageCompleted { .. })).await;
    let EventKind::StageCompleted { duration_ms, .. } = kind else { unreachable!() };
    assert_eq!(duration_ms, 0, "the clock moved only while the stage waited");
}

async fn the_scheduler_is_notified_of_work_that_a_json_command_makes_ready(world: World) {
    let engine = world.engine().register::<asking>().without_worker().build().await.unwrap();
    let scheduler = Arc::new(RecordingScheduler::default());
    let settings = ServerlessSettings::default().scheduler(Arc::clone(&scheduler) as _);
    let _host = engine.serverless(settings).unwrap();
    let create = r#"{"type": "run.create", "workflow_id": "asking", "input": {"question": "Why?"}}"#;
    engine.kernel().dispatch_json(create).await.unwrap();
    assert_eq!(scheduler.take(), [world.clock_now()]);
    let run = tests::unfinished::unfinished::<asking>(&engine).await.unwrap().remove(0);
    engine.kernel().dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
    assert_eq!(scheduler.take(), [world.clock_now()], "also of a command that is sent to the kernel");
    let cancel = format!(r#"{{"type": "run.cancel", "run_id": "{}"}}"#, run.id());
    engine.kernel().dispatch_json(&cancel).await.unwrap();
    assert!(scheduler.take().is_empty(), "a cancel makes nothing ready");
}

/// The instants that the scheduler has received.
#[derive(Default)]
struct RecordingScheduler(Mutex<Vec<DateTime<Utc>>>);

#[async_trait]
impl Scheduler for RecordingScheduler {
    async fn wake_at(&self, due: DateTime<Utc>) -> Result<(), SchedulerError> {
        self.0.lock().unwrap().push(due);
        Ok(())
    }
}

impl RecordingScheduler {
    fn take(&self) -> Vec<DateTime<Utc>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

on_every_store!(
    a_wake_of_a_run_that_no_process_can_execute_says_so,
    the_duration_of_a_stage_does_not_include_its_wait,
    the_scheduler_is_notified_of_work_that_a_json_command_makes_ready,
);
