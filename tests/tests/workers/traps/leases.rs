//! Traps of slow, dead and fenced workers.

use std::time::Duration;

use tests::events::names;
use tests::manual_claims::{LEASE, apply, claim, commit, completion};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{ReapStaleLeases, ReapStaleLeasesOutput};
use workflow_engine::ports::{Change, Commit};
use workflow_engine::prelude::*;

use super::bodies::{engine, execute, started};
use workflow_engine::StageKey;

/// The trap: a heartbeat ignores the holder of the lease, and extends the lease of another worker.
async fn trap_05_a_heartbeat_renews_only_its_own_lease(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 0).await;
    let slow = claim(&*world.store, run.id(), "begin").await;
    world.clock.advance(LEASE);
    engine.dispatch(ReapStaleLeases::default()).await.unwrap();
    let other = claim(&*world.store, run.id(), "begin").await;
    let end = world.store.next_lease_end().await.unwrap();
    let lost = world.store.renew_leases(vec![slow.lease.clone()], LEASE * 100).await.unwrap();
    assert_eq!(lost, std::slice::from_ref(&slow.lease));
    assert_eq!(
        world.store.next_lease_end().await.unwrap(),
        end,
        "the lease of the other worker is unchanged"
    );
    // A lease that is renewed in time is not reaped.
    world.clock.advance(LEASE / 2);
    assert!(world.store.renew_leases(vec![other.lease.clone()], LEASE).await.unwrap().is_empty());
    world.clock.advance(LEASE / 2);
    assert_eq!(engine.dispatch(ReapStaleLeases::default()).await.unwrap(), ReapStaleLeasesOutput::default());
}

/// The trap: a worker without its lease overwrites a completed output, emits a second `stage:completed`, or reopens a
/// finished job.
async fn trap_06_a_zombie_writes_nothing(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 0).await;
    let zombie = claim(&*world.store, run.id(), "begin").await;
    world.clock.advance(LEASE);
    engine.dispatch(ReapStaleLeases::default()).await.unwrap();
    for finished in [false, true] {
        if finished {
            execute(&engine, run.id(), "begin").await;
        }
        let before = world.store.snapshot(run.id()).await.unwrap();
        let (stage_key, error) = (|| StageKey::from("begin"), || "zombie".to_owned());
        for change in [
            completion("begin", &666),
            Change::Retry { stage_key: stage_key(), error: error(), delay: Duration::ZERO },
            Change::ReturnJob { stage_key: stage_key(), reason: "the worker stops".into() },
            Change::Fail { stage_key: stage_key(), error: error() },
            Change::Progress { stage_key: stage_key(), fraction: 0.5, message: error() },
        ] {
            assert_eq!(commit(&*world.store, &zombie, vec![change]).await, Commit::PreconditionFailed);
        }
        assert_eq!(world.store.snapshot(run.id()).await.unwrap(), before);
    }
    assert_eq!(run.outputs().await.unwrap().begin, Some(2));
    for stage in ["left", "right", "join"] {
        execute(&engine, run.id(), stage).await;
    }
    let completions = names(&run).await.iter().filter(|name| **name == "stage:completed").count();
    assert_eq!(completions, 4);
}

/// The trap: reaping ignores the maximum number of attempts, and a stage that kills its process is retried for ever.
async fn trap_07_a_stage_that_kills_its_process_fails_after_its_last_attempt(world: World) {
    let engine = engine(&world).await;
    let run = started(&engine, 0).await;
    let mut released = 0;
    while run.status().await.unwrap() == Status::Running {
        claim(&*world.store, run.id(), "begin").await;
        world.clock.advance(LEASE);
        released += engine.dispatch(ReapStaleLeases::default()).await.unwrap().released;
    }
    let record = run.record().await.unwrap();
    assert_eq!((record.status, record.error.unwrap().code.as_str()), (Status::Failed, "WORKER_LOST"));
    let stage = world.store.stage(run.id(), &"begin".into()).await.unwrap().unwrap();
    assert_eq!(released + 1, stage.attempt as usize);
}

/// The trap: a cancellation races with a completion, and a cancelled run becomes COMPLETED.
async fn trap_04_a_cancel_and_a_completion_end_in_one_of_the_two(world: World) {
    let engine = engine(&world).await;
    for _ in 0..10 {
        let run = started(&engine, 0).await;
        let job = claim(&*world.store, run.id(), "begin").await;
        let late = commit(&*world.store, &job, vec![completion("begin", &2)]);
        let (cancelled, committed) = futures_util::future::join(run.cancel("enough"), late).await;
        assert!(cancelled.unwrap(), "the run was not terminal");
        let record = run.record().await.unwrap();
        assert_eq!((record.status, record.output), (Status::Cancelled, None));
        let events = names(&run).await;
        assert_eq!(
            events.last(),
            Some(&"workflow:cancelled"),
            "G8: no event follows the cancellation: {events:?}"
        );
        let is_committed = matches!(committed, Commit::Applied(_));
        assert_eq!(events.contains(&"stage:completed"), is_committed);
        assert_eq!(
            commit(&*world.store, &job, vec![completion("begin", &3)]).await,
            Commit::PreconditionFailed
        );
    }
}

/// The trap: one hanging check blocks the reaping of leases and other jobs, and ticks overlap. Here maintenance runs in
/// its own loops, which cannot overlap.
async fn trap_19_a_body_that_hangs_blocks_no_maintenance(world: World) {
    use super::waiting::{HeldInput, holding, wait_for_check};

    let worker = world.engine().register::<super::bodies::diamond>().register::<holding>();
    let worker = worker.lease(LEASE).build().await.unwrap();
    let held = worker.start::<holding>(HeldInput { number: 1 }).await.unwrap();
    wait_for_check(&world, &held).await;

    // A job of a dead worker, while the check hangs.
    let engine = engine(&world).await;
    let run = engine.start::<super::bodies::diamond>(super::bodies::BeginInput { number: 1 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "left 2 right 200");
    let rerun = |waiting_on| workflow_engine::ports::RerunStage { stage_key: "join".into(), waiting_on };
    let claim = workflow_engine::records::Claimant { worker_id: "lost".into(), lease: LEASE, number: None };
    let changes = vec![
        Change::Rerun { stages: vec![rerun(0)], waiting_on: 1 },
        Change::Enqueue { stage_key: "join".into(), max_attempts: 3, max_crashes: 3, claim: Some(claim) },
    ];
    apply(&*world.store, run.id(), changes).await;
    let waiting = tokio::spawn({
        let run = run.clone();
        async move { run.output().await }
    });
    while !waiting.is_finished() {
        world.clock.advance(LEASE / 3);
        // Advance the clock only as fast as the heartbeat of the hanging check follows.
        loop {
            let snapshot = world.store.snapshot(held.id()).await.unwrap().unwrap();
            if snapshot.jobs[0].leased_until.unwrap() >= world.clock_now() + LEASE {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(waiting.await.unwrap().unwrap(), "left 2 right 200");
    assert_eq!(held.status().await.unwrap(), Status::Running);
    // The drain waits for the check.
    tests::signal::give(held.id(), "continue");
    assert_eq!(held.output().await.unwrap(), 1);
    worker.drain().await;
}

on_every_store!(
    trap_04_a_cancel_and_a_completion_end_in_one_of_the_two,
    trap_05_a_heartbeat_renews_only_its_own_lease,
    trap_06_a_zombie_writes_nothing,
    trap_07_a_stage_that_kills_its_process_fails_after_its_last_attempt,
    trap_19_a_body_that_hangs_blocks_no_maintenance,
);
