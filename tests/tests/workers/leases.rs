//! Leases: draining, lost workers, and late results.

use std::sync::Arc;
use std::time::Duration;

use tests::events::{names, wait_for, wait_for_attempt};
use tests::returned::wait_for_return;
use tests::world::World;
use tests::{on_every_store, signal};
use workflow_engine::kernel::{ReapStaleLeases, ReapStaleLeasesOutput};
use workflow_engine::prelude::*;
use workflow_engine::records::{Claimant, EventKind};

/// Signals that it has started, and waits for a signal to end.
#[stage(retry(max_attempts = 1, max_crashes = 2))]
async fn waits(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "started");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number + ctx.attempt())
}

workflow! { waiting = waits }

const LEASE: Duration = Duration::from_secs(15);

async fn a_drain_lets_bodies_finish(world: World) {
    let engine = world.engine().register::<waiting>().build().await.unwrap();
    let run = engine.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    let events = run.events();
    let drain = tokio::spawn({
        let engine = engine.clone();
        async move { engine.drain().await }
    });
    signal::give(run.id(), "end");
    let kinds: Vec<_> = futures_util::StreamExt::collect::<Vec<_>>(events).await;
    assert!(
        kinds.iter().any(|event| event.as_ref().is_ok_and(|event| event.kind.name() == "workflow:completed"))
    );
    drain.await.unwrap();
}

async fn a_drain_returns_unfinished_jobs_and_the_attempt_does_not_count(world: World) {
    // The store outlives the first engine, so the test drains the engine and does not shut it down.
    let first = world
        .engine()
        .register::<waiting>()
        .drain_timeout(Duration::from_secs(5))
        .lease(Duration::from_secs(1_000_000))
        .build()
        .await
        .unwrap();
    let run = first.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    let drain = tokio::spawn({
        let first = first.clone();
        async move { first.drain().await }
    });
    // Advance the clock until the drain, which starts at some point, has finished.
    while !drain.is_finished() {
        world.clock.advance(Duration::from_secs(1));
        tokio::task::yield_now().await;
    }
    drain.await.unwrap();
    let stage = wait_for_return(&*world.store, run.id()).await.unwrap();
    assert_eq!((stage.status, stage.attempt), (Status::Pending, 0));

    let second = world.engine().register::<waiting>().build().await.unwrap();
    signal::wait(run.id(), "started").await;
    signal::give(run.id(), "end");
    let run = second.run_handle::<waiting>(run.id()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 2);
    // The second start of attempt 1 is understandable from the events.
    let mut attempts = Vec::new();
    for event in world.store.events(run.id(), 0, 100).await.unwrap() {
        match event.kind {
            EventKind::StageStarted { attempt, .. } => attempts.push(("started", attempt)),
            EventKind::StageReturned { attempt, reason, .. } => {
                assert_eq!(reason, "the worker stops");
                attempts.push(("returned", attempt));
            }
            _ => {}
        }
    }
    assert_eq!(attempts, [("started", 1), ("returned", 1), ("started", 1)]);
}

/// Claims a job for a worker that never commits an outcome.
async fn claim_and_vanish(world: &World, engine: &Engine) {
    let lost = Claimant { worker_id: "lost".into(), lease: LEASE, number: None };
    let fingerprints = vec![waiting::definition().fingerprint().to_owned()];
    let store = Arc::clone(engine.kernel().store());
    assert_eq!(store.claim_jobs(&lost, &fingerprints, 1).await.unwrap().len(), 1);
    assert_eq!(world.store.lease_holders().await.unwrap(), ["lost"]);
}

async fn the_job_of_a_lost_worker_is_retried_and_finally_fails_with_worker_lost(world: World) {
    let engine = world.engine().register::<waiting>().without_worker().build().await.unwrap();
    let run = engine.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    engine.dispatch(workflow_engine::kernel::TransitionRun { run_id: run.id() }).await.unwrap();

    claim_and_vanish(&world, &engine).await;
    world.clock.advance(LEASE.checked_sub(Duration::from_millis(1)).unwrap());
    let early = engine.dispatch(ReapStaleLeases::default()).await.unwrap();
    assert_eq!(early, ReapStaleLeasesOutput::default());
    world.clock.advance(Duration::from_millis(1));
    let reaped = engine.dispatch(ReapStaleLeases::default()).await.unwrap();
    assert_eq!(reaped, ReapStaleLeasesOutput { released: 1, failed: 0 });

    claim_and_vanish(&world, &engine).await;
    world.clock.advance(LEASE);
    let reaped = engine.dispatch(ReapStaleLeases::default()).await.unwrap();
    assert_eq!(reaped, ReapStaleLeasesOutput { released: 0, failed: 1 });
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, "WORKER_LOST");
    assert_eq!(
        error.message,
        "stage `waits` failed after 2 attempts: worker `lost` was lost during attempt 2"
    );
}

async fn a_worker_takes_over_when_the_lease_of_another_worker_expires(world: World) {
    let other = world.engine().register::<waiting>().without_worker().build().await.unwrap();
    let run = other.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    other.dispatch(workflow_engine::kernel::TransitionRun { run_id: run.id() }).await.unwrap();
    claim_and_vanish(&world, &other).await;

    let engine = world.engine().register::<waiting>().build().await.unwrap();
    world.clock.advance(LEASE);
    let run = engine.run_handle::<waiting>(run.id()).await.unwrap();
    signal::wait(run.id(), "started").await;
    signal::give(run.id(), "end");
    assert_eq!(run.output().await.unwrap(), 3);
}

async fn trap_06_the_result_of_a_worker_that_lost_its_lease_is_dropped(world: World) {
    let zombie = world.engine().register::<waiting>().worker_id("zombie").build().await.unwrap();
    let run = zombie.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;

    // Another process reaps the job and claims it, while the body of the first worker still runs.
    let reaper = world.engine().register::<waiting>().without_worker().build().await.unwrap();
    let reaped = reaper
        .dispatch(ReapStaleLeases { dead_workers: vec!["zombie".into()], ..ReapStaleLeases::default() })
        .await
        .unwrap();
    assert_eq!(reaped, ReapStaleLeasesOutput { released: 1, failed: 0 });
    let other = Claimant { worker_id: "other".into(), lease: LEASE, number: None };
    let fingerprints = vec![waiting::definition().fingerprint().to_owned()];
    // The first worker may claim the job again first; then its second attempt completes the stage.
    let taken_over = world.store.claim_jobs(&other, &fingerprints, 1).await.unwrap();

    signal::give(run.id(), "end");
    signal::give(run.id(), "end");
    if taken_over.is_empty() {
        assert_eq!(run.output().await.unwrap(), 3);
        let completions = names(&run).await.iter().filter(|name| **name == "stage:completed").count();
        assert_eq!(completions, 1);
    } else {
        zombie.drain().await;
        let stage = &world.store.stages(run.id()).await.unwrap()[0];
        assert_eq!(
            (stage.status, stage.attempt),
            (Status::Running, 2),
            "the other worker still holds the lease"
        );
    }
}

async fn a_cancelled_run_stops_its_body_and_commits_nothing_more(world: World) {
    let engine = world.engine().register::<waiting>().build().await.unwrap();
    let run = engine.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    assert!(run.cancel("the customer left").await.unwrap());
    assert!(!run.cancel("again").await.unwrap());
    signal::give(run.id(), "end");

    let error = run.output().await.unwrap_err();
    assert!(error.is_run_cancelled());
    assert_eq!(error.to_string(), format!("run {} was cancelled: the customer left", run.id()));
    engine.drain().await;
    assert_eq!(
        names(&run).await,
        ["workflow:created", "workflow:started", "stage:started", "stage:cancelled", "workflow:cancelled"]
    );
}

async fn trap_05_a_heartbeat_keeps_a_long_stage_alive(world: World) {
    let engine = world.engine().register::<waiting>().lease(LEASE).build().await.unwrap();
    let run = engine.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    let first_end = world.store.next_lease_end().await.unwrap().unwrap();
    // Three renewals per lease, for the duration of ten leases.
    for _ in 0..30 {
        let before = world.store.next_lease_end().await.unwrap();
        world.clock.advance(LEASE / 3);
        while world.store.next_lease_end().await.unwrap() == before {
            tokio::task::yield_now().await;
        }
    }
    assert!(world.store.next_lease_end().await.unwrap().unwrap() > first_end + LEASE * 9);
    signal::give(run.id(), "end");
    assert_eq!(run.output().await.unwrap(), 2, "the first attempt completes the stage");
}

async fn commits_of_other_processes_do_not_delay_a_renewal(world: World) {
    // A third of a lease, in two parts.
    const MOST: Duration = Duration::from_millis(4_999);
    const REST: Duration = Duration::from_millis(1);
    const LIMIT: Duration = Duration::from_secs(30);
    let engine = world.engine().register::<waiting>().lease(LEASE).build().await.unwrap();
    let run = engine.start::<waiting>(WaitsInput { number: 1 }).await.unwrap();
    signal::wait(run.id(), "started").await;
    // The heartbeat looks for lost leases after each such hint, here a moment before a renewal.
    for _ in 0..10 {
        world.clock.advance(MOST);
        world.store.hints().all_runs_changed();
        world.store.next_lease_end().await.unwrap();
        world.clock.advance(REST);
        let end = world.clock_now() + LEASE;
        let renewed = async {
            while world.store.next_lease_end().await.unwrap() != Some(end) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, renewed).await.expect("the lease is renewed on time");
    }
    signal::give(run.id(), "end");
    assert_eq!(run.output().await.unwrap(), 2);
}

async fn a_retry_waits_for_the_delay_that_the_error_names(world: World) {
    let engine = world.engine().register::<limited>().build().await.unwrap();
    let run = engine.start::<limited>(AsksInput { _number: 1 }).await.unwrap();
    let kind = wait_for(&run, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    let EventKind::StageRetrying { delay_ms, .. } = kind else { unreachable!() };
    assert_eq!(delay_ms, 90_000);
    world.clock.advance(Duration::from_secs(90));
    wait_for_attempt(&run, "asks", 2).await;
    assert_eq!(run.output().await.unwrap(), 2);
}

#[stage]
async fn asks(_number: u32, ctx: &StageContext) -> StageResult<u32> {
    match ctx.attempt() {
        1 => Err(StageError::retry_after("429", Duration::from_secs(90))),
        attempt => Ok(attempt),
    }
}

workflow! { limited = asks }

on_every_store!(
    a_drain_lets_bodies_finish,
    a_drain_returns_unfinished_jobs_and_the_attempt_does_not_count,
    the_job_of_a_lost_worker_is_retried_and_finally_fails_with_worker_lost,
    a_worker_takes_over_when_the_lease_of_another_worker_expires,
    trap_06_the_result_of_a_worker_that_lost_its_lease_is_dropped,
    a_cancelled_run_stops_its_body_and_commits_nothing_more,
    trap_05_a_heartbeat_keeps_a_long_stage_alive,
    commits_of_other_processes_do_not_delay_a_renewal,
    a_retry_waits_for_the_delay_that_the_error_names,
);
