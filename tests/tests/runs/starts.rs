//! Runs that start later: at an instant, or after a time.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use tests::events::names;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::ErrorCode;
use workflow_engine::kernel::CreateRun;
use workflow_engine::prelude::*;
use workflow_engine::serverless::{MaintenanceTick, ProcessJobs, ServerlessSettings};

const HOUR: Duration = Duration::from_secs(3_600);

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { doubling = double }

fn input(number: u32) -> DoubleInput {
    DoubleInput { number }
}

async fn next(world: &World) -> Option<DateTime<Utc>> {
    world.store.next_timer(&[doubling::definition().fingerprint().to_owned()]).await.unwrap()
}

async fn a_run_starts_at_its_instant(world: World) {
    let engine = world.engine().register::<doubling>().build().await.unwrap();
    let start = world.clock_now() + 2 * HOUR;
    let run = engine.start::<doubling>(input(21)).at(start).await.unwrap();
    let record = run.record().await.unwrap();
    assert_eq!(
        (record.status, record.times.due_at, record.times.due_after),
        (Status::Pending, Some(start), None)
    );
    assert_eq!(next(&world).await, Some(start));
    assert_eq!(world.store.next_job_due(&[record.definition_fingerprint]).await.unwrap(), None);
    let blocked = run.blocked_reason().await.unwrap().expect("it waits");
    assert_eq!(blocked.code(), ErrorCode::NotDue);
    let instant = start.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    assert_eq!(blocked.to_string(), format!("run {} waits until {instant}: it is to start then", run.id()));

    world.clock.advance(HOUR);
    assert_eq!(engine.start::<doubling>(input(1)).await.unwrap().output().await.unwrap(), 2);
    assert_eq!(run.status().await.unwrap(), Status::Pending, "it is not due");

    world.clock.advance(HOUR);
    assert_eq!(run.output().await.unwrap(), 42);
    let record = run.record().await.unwrap();
    assert_eq!(record.started_at, Some(start));
    assert_eq!(run.blocked_reason().await.unwrap().map(|error| error.to_string()), None);
    assert_eq!(next(&world).await, None);
    engine.shutdown().await;
}

async fn a_run_starts_after_a_time_by_another_process(world: World) {
    let engine = world.engine().register::<doubling>().without_worker().build().await.unwrap();
    let first = world.clock_now() + HOUR;
    let run = engine.start::<doubling>(input(21)).after(HOUR).await.unwrap();
    let later = engine.start::<doubling>(input(4)).after(2 * HOUR).priority(9).await.unwrap();
    assert_eq!(run.record().await.unwrap().times.due_after, Some(HOUR));
    assert_eq!(next(&world).await, Some(first));
    drop(engine);
    world.clock.advance(Duration::from_micros(3_599_999_999));
    let engine = world.engine().register::<doubling>().build().await.unwrap();
    assert_eq!(engine.start::<doubling>(input(1)).await.unwrap().output().await.unwrap(), 2);
    let run = engine.run_handle::<doubling>(run.id()).await.unwrap();
    assert_eq!(run.status().await.unwrap(), Status::Pending);
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(run.output().await.unwrap(), 42);
    world.clock.advance(HOUR);
    let later = engine.run_handle::<doubling>(later.id()).await.unwrap();
    assert_eq!(later.output().await.unwrap(), 8);
    engine.shutdown().await;
}

async fn a_start_in_the_past_is_a_start_at_once(world: World) {
    let engine = world.engine().register::<doubling>().build().await.unwrap();
    let run = engine.start::<doubling>(input(21)).at(world.clock_now() - HOUR).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 42);
    assert_eq!(run.record().await.unwrap().times.due_at, None);
    let run = engine.start::<doubling>(input(2)).after(Duration::ZERO).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 4);
    engine.shutdown().await;
}

async fn a_run_that_is_not_due_is_cancelled_and_never_starts(world: World) {
    let engine = world.engine().register::<doubling>().build().await.unwrap();
    let run = engine.start::<doubling>(input(21)).after(HOUR).await.unwrap();
    assert!(run.cancel("not needed").await.unwrap());
    assert_eq!(next(&world).await, None);
    world.clock.advance(2 * HOUR);
    assert_eq!(engine.start::<doubling>(input(1)).await.unwrap().output().await.unwrap(), 2);
    assert_eq!(run.status().await.unwrap(), Status::Cancelled);
    assert_eq!(names(&run).await, ["workflow:created", "workflow:cancelled"]);
    engine.shutdown().await;
}

async fn a_start_is_given_in_json_and_once(world: World) {
    let engine = world.engine().register::<doubling>().build().await.unwrap();
    let command = |more: &str| {
        format!(
            r#"{{"type":"run.create","idempotency_key":null,"workflow_id":"doubling","input":{{"number":3}},"config":null,"priority":null,"metadata":null{more}}}"#
        )
    };
    let created = engine.kernel_json(&command(r#","start_after_ms":3600000"#)).await.unwrap();
    assert!(created.contains("PENDING"), "{created}");
    let at = (world.clock_now() + HOUR).to_rfc3339();
    let created = engine.kernel_json(&command(&format!(r#","start_at":"{at}""#))).await.unwrap();
    assert!(created.contains("PENDING"), "{created}");
    let both = engine.kernel_json(&command(&format!(r#","start_at":"{at}","start_after_ms":1"#))).await;
    assert_eq!(
        both.unwrap_err(),
        "a run starts at an instant or after a time: give `start_at` or `start_after`, not both"
    );
    let none = engine.kernel_json(&command(r#","deadline_ms":0"#)).await;
    assert_eq!(none.unwrap_err(), "a `deadline` is longer than 0: give the longest time of the run");
    engine.shutdown().await;
}

/// The commands of an engine as JSON.
trait KernelJson {
    async fn kernel_json(&self, command: &str) -> Result<String, String>;
}

impl KernelJson for Engine {
    async fn kernel_json(&self, command: &str) -> Result<String, String> {
        let output = self.dispatch_json(command).await;
        output.map(|json| json.as_str().to_owned()).map_err(|error| error.to_string())
    }
}

async fn a_repeated_request_with_another_start_returns_the_first_run(world: World) {
    let engine = world.engine().register::<doubling>().build().await.unwrap();
    let first = engine.start::<doubling>(input(21)).after(HOUR).idempotency_key("k").await.unwrap();
    let second = engine.start::<doubling>(input(21)).idempotency_key("k").await.unwrap();
    assert_eq!(first.id(), second.id());
    assert_eq!(second.status().await.unwrap(), Status::Pending);
    engine.shutdown().await;
}

async fn a_serverless_host_starts_what_is_due(world: World) {
    let engine = world.engine().register::<doubling>().without_worker().build().await.unwrap();
    let host = engine.serverless(ServerlessSettings::default()).unwrap();
    let start = world.clock_now() + HOUR;
    let run = engine.start::<doubling>(input(21)).at(start).await.unwrap();
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!((report.claimed, report.next_due, report.failed.len()), (0, Some(start), 0));
    world.clock.advance(HOUR);
    host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!(run.status().await.unwrap(), Status::Running);
    host.process_available_jobs(ProcessJobs::default()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 42);
}

async fn runs_that_start_later_cost_a_claim_nothing(world: World) {
    let engine = world.engine().register::<doubling>().build().await.unwrap();
    let week = TimeDelta::days(7);
    let starts = (0..500).map(|number| {
        let json = workflow_engine::Json::encode(&input(number)).unwrap();
        engine.dispatch(CreateRun::new("doubling", json).start_at(world.clock_now() + week).priority(9))
    });
    for started in futures_util::future::join_all(starts).await {
        assert_eq!(started.unwrap().status, Status::Pending);
    }
    // They have a higher priority, and no claim sees them.
    let fingerprint = [doubling::definition().fingerprint().to_owned()];
    assert_eq!(world.store.pending_runs(&fingerprint, 10).await.unwrap(), []);
    assert_eq!(engine.start::<doubling>(input(21)).await.unwrap().output().await.unwrap(), 42);
    assert_eq!(engine.queue().await.unwrap().total.scheduled, 500);
    engine.shutdown().await;
}

on_every_store!(
    a_run_starts_at_its_instant,
    a_run_starts_after_a_time_by_another_process,
    a_start_in_the_past_is_a_start_at_once,
    a_run_that_is_not_due_is_cancelled_and_never_starts,
    a_start_is_given_in_json_and_once,
    a_repeated_request_with_another_start_returns_the_first_run,
    a_serverless_host_starts_what_is_due,
    runs_that_start_later_cost_a_claim_nothing,
);
