//! Concurrent flushers, and flushers that die.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tests::deliveries::ask;
use tests::on_every_store;
use tests::recorder::Recorder;
use tests::world::World;
use workflow_engine::RunId;
use workflow_engine::kernel::FlushOutbox;
use workflow_engine::ports::DeliveryClaim;

use super::fixture::{ALL, CountsInput, counting, engine, flush, flush_as, run};

async fn trap_15_two_flushers_deliver_nothing_twice(world: World) {
    let plugin = Recorder::new("all");
    let mut engines = Vec::new();
    for _ in 0..3 {
        engines.push(engine(&world).plugin(plugin.clone()).build().await.unwrap());
    }
    let mut runs = Vec::new();
    for _ in 0..40 {
        runs.push(run(&engines[0], 0).await);
    }
    let names = ["one", "two", "three"];
    let flushed = join_all(engines.iter().zip(names).map(|(engine, name)| flush_as(engine, name))).await;
    let published: usize = flushed.iter().map(|flushed| flushed.published).sum();
    assert_eq!(published, 200);
    let distinct: HashSet<(RunId, u64)> = plugin.offered().into_iter().collect();
    assert_eq!((plugin.offered().len(), distinct.len()), (200, 200));
    for run_id in runs {
        assert_eq!(plugin.taken_of(run_id), ALL);
    }
}

/// Workers run stages and flush events at the same time, and each one observes the commits of the others.
async fn trap_15_two_workers_deliver_nothing_twice(world: World) {
    let plugin = Recorder::new("all");
    let mut engines = Vec::new();
    for _ in 0..2 {
        let builder = world.engine().register::<counting>().plugin(plugin.clone());
        engines.push(builder.lease(Duration::from_secs(1_000_000)).build().await.unwrap());
    }
    let starts = (0..30_u32).map(|number| {
        engines[number as usize % 2].start::<counting>(CountsInput { times: number % 3 }).into_future()
    });
    let runs = join_all(starts).await;
    for run in &runs {
        run.as_ref().unwrap().output().await.unwrap();
    }
    for engine in &engines {
        engine.drain().await;
    }
    for run in runs {
        let run = run.unwrap();
        let all: Vec<u64> = (1..=run.record().await.unwrap().last_sequence).collect();
        assert_eq!(plugin.taken_of(run.id()), all);
    }
}

async fn another_flusher_replaces_a_dead_one(world: World) {
    let plugin = Recorder::new("all");
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let run_id = run(&engine, 0).await;
    let lease = ask().claim.lease;
    let dead = world.store.claim_deliveries(&DeliveryClaim { window: 3, ..ask() }).await.unwrap();
    assert_eq!(dead[0].events.len(), 3);
    world.clock.advance(lease.checked_sub(Duration::from_micros(1)).unwrap());
    assert_eq!(flush(&engine).await.offered(), 0, "the first flusher may still be alive");
    world.clock.advance(Duration::from_micros(1));
    flush(&engine).await;
    assert_eq!(plugin.taken_of(run_id), ALL);
}

/// The task of the flusher is dropped during an event, so it settles nothing.
async fn an_aborted_flush_is_repeated(world: World) {
    let plugin = Recorder::new("all");
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let run_id = run(&engine, 0).await;
    {
        let command = FlushOutbox { worker_id: "w".into(), limit: 100, plugin: None };
        let mut flushing = std::pin::pin!(engine.dispatch(command));
        while plugin.offered().is_empty() {
            assert!(futures_util::poll!(flushing.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    world.clock.advance(Duration::from_secs(30));
    flush(&engine).await;
    assert_eq!(plugin.taken_of(run_id).last(), Some(&5));
    let mut received = plugin.taken_of(run_id);
    received.sort_unstable();
    received.dedup();
    assert_eq!(received, ALL, "at least once");
}

async fn trap_15_a_run_with_many_failing_events_starves_no_other_run(world: World) {
    let plugin = Recorder::new("all").with(|policy| {
        policy.block_on_dead_letter = false;
        policy.max_retries = Some(1);
    });
    let engine = engine(&world).plugin(plugin.clone()).build().await.unwrap();
    let noisy = run(&engine, 600).await;
    plugin.refuse(move |event, _| (event.run_id == noisy).then_some("no"));
    let few = || FlushOutbox { worker_id: "w".into(), limit: 10, plugin: None };
    engine.dispatch(few()).await.unwrap();
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(run(&engine, 0).await);
        // Each flush delivers up to ten events, and a new run has five. The noisy run takes only its fair share.
        engine.dispatch(few()).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    engine.dispatch(few()).await.unwrap();
    for run_id in others {
        assert_eq!(plugin.taken_of(run_id), ALL);
    }
    assert!(!engine.dead_letters(None).limit(1_000).await.unwrap().is_empty());
}

async fn a_hanging_subscriber_does_not_delay_others(world: World) {
    let (slow, quick) = (Hanging, Recorder::new("quick"));
    let builder = world.engine().register::<counting>().plugin(slow).plugin(quick.clone());
    let engine = builder.lease(Duration::from_secs(1_000_000)).build().await.unwrap();
    let mut runs = Vec::new();
    for _ in 0..5 {
        let run = engine.start::<counting>(CountsInput { times: 0 }).await.unwrap();
        run.output().await.unwrap();
        runs.push(run.id());
    }
    // The clock does not move, so the hanging plugin never times out.
    while quick.taken().len() < 25 {
        tokio::task::yield_now().await;
    }
    for run_id in runs {
        assert_eq!(quick.taken_of(run_id), ALL);
    }
}

async fn a_hanging_subscriber_delays_a_drain_no_longer_than_the_drain_timeout(world: World) {
    let builder = world.engine().register::<counting>().plugin(Hanging).lease(Duration::from_secs(1_000_000));
    let engine = builder.drain_timeout(Duration::from_secs(7)).build().await.unwrap();
    let run = engine.start::<counting>(CountsInput { times: 0 }).await.unwrap();
    run.output().await.unwrap();
    // The drain has begun, and goes to its end without this caller.
    assert!(engine.drain().now_or_never().is_none());
    let end = world.clock_now() + Duration::from_secs(8);
    let drain = tokio::spawn({
        let engine = engine.clone();
        async move { engine.drain().await }
    });
    while !drain.is_finished() {
        // One event may take ten seconds, and there are five of them. The timeout applies to the bodies and the events
        // together, and the drain ends one second later at the latest.
        if let Some(wake) = world.clock.next_wake().filter(|wake| *wake <= end) {
            world.clock.advance((wake - world.clock_now()).to_std().unwrap_or_default());
        }
        tokio::task::yield_now().await;
    }
    assert!(drain.await.unwrap().has_undelivered_events);
}

/// A plugin that never finishes an event.
struct Hanging;

#[async_trait::async_trait]
impl workflow_engine::ports::Plugin for Hanging {
    fn name(&self) -> &'static str {
        "hanging"
    }

    async fn handle(
        &self,
        _: &workflow_engine::records::Event,
    ) -> Result<(), workflow_engine::ports::DeliveryError> {
        std::future::pending().await
    }
}

/// The commits of stages write no delivery rows; only flushers do.
async fn a_commit_of_a_stage_writes_no_delivery(world: World) {
    let engine = engine(&world).plugin(Recorder::new("all")).build().await.unwrap();
    run(&engine, 0).await;
    assert!(world.store.next_delivery_due("all").await.unwrap().is_none());
    flush(&engine).await;
    assert!(
        world.store.next_delivery_due("all").await.unwrap().is_none(),
        "no delivery row is left afterwards"
    );
}

on_every_store!(
    trap_15_two_flushers_deliver_nothing_twice,
    trap_15_two_workers_deliver_nothing_twice,
    another_flusher_replaces_a_dead_one,
    an_aborted_flush_is_repeated,
    trap_15_a_run_with_many_failing_events_starves_no_other_run,
    a_hanging_subscriber_does_not_delay_others,
    a_hanging_subscriber_delays_a_drain_no_longer_than_the_drain_timeout,
    a_commit_of_a_stage_writes_no_delivery,
);
