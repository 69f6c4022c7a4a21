//! Ticks of several processes, and the instants at which they work.

use std::time::Duration;

use workflow_engine::Schedule;
use workflow_engine::records::{CatchUp, Overlap};
use workflow_engine::serverless::{MaintenanceTick, ServerlessSettings};

use super::fixture::{
    DAY, HOUR, MINUTE, Reports, idle_engine, input, night, nightly, runs_of, tick, tick_all, ticks_of,
    wait_until,
};
use tests::world::World;

tests::on_every_store! {
    a_thousand_ticks_of_four_engines_start_one_run_each,
    a_worker_starts_the_run_at_its_tick,
    a_run_starts_after_the_jitter_of_its_tick,
    a_serverless_host_starts_runs_when_it_is_called,
    a_builder_applies_its_schedules_by_id,
    a_tick_that_was_handled_by_another_process_is_lost,
}

const TICKS: u32 = 1_000;

async fn a_thousand_ticks_of_four_engines_start_one_run_each(world: World) {
    let start = world.clock_now();
    let schedule = Schedule::every("minutely", MINUTE).start::<Reports>(input("north")).unwrap();
    let schedule = schedule.overlap(Overlap::Parallel).catch_up(CatchUp::All { at_most: TICKS });
    let engine = idle_engine(&world).await;
    engine.schedules().put(schedule).await.unwrap();
    world.clock.advance(TICKS * MINUTE);
    let mut engines = Vec::new();
    for _ in 0..4 {
        engines.push(world.engine().register::<Reports>().build().await.unwrap());
    }
    let end = world.clock_now() + MINUTE;
    wait_until(&world, "minutely", |record| record.next_at == Some(end)).await;
    for number in 1..=TICKS {
        let tick = (start + number * MINUTE).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        let run = world.store.run_of_key(&format!("schedule:minutely:{tick}")).await.unwrap();
        assert!(run.is_some(), "the tick {tick} has a run");
    }
    assert_eq!(runs_of(&engine, "minutely").await.len(), TICKS as usize, "and no tick has two");
    for engine in engines {
        engine.shutdown().await;
    }
}

async fn a_worker_starts_the_run_at_its_tick(world: World) {
    let engine = world.engine().register::<Reports>().build().await.unwrap();
    engine.schedules().put(nightly()).await.unwrap();
    world.clock.advance(HOUR.saturating_sub(Duration::from_micros(1)));
    assert_eq!(runs_of(&engine, "nightly").await.len(), 0);
    world.clock.advance(Duration::from_micros(1));
    wait_until(&world, "nightly", |record| record.next_at == Some(night(2))).await;
    let runs = runs_of(&engine, "nightly").await;
    let run = engine.run_handle::<Reports>(runs[0].id).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "north 2026-01-01T01:00:00+00:00");
    assert_eq!(run.record().await.unwrap().created_at, night(1));
    world.clock.advance(DAY);
    wait_until(&world, "nightly", |record| record.next_at == Some(night(3))).await;
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(1), night(2)]);
    engine.shutdown().await;
}

async fn a_run_starts_after_the_jitter_of_its_tick(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly().jitter(HOUR)).await.unwrap();
    let due = engine.schedules().get("nightly").await.unwrap().due_at.unwrap();
    assert!(due > night(1) && due <= night(1) + HOUR, "{due}");
    world.clock.advance((due - world.clock_now()).to_std().unwrap().saturating_sub(Duration::from_micros(1)));
    assert_eq!(tick_all(&engine).await, 0);
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(tick_all(&engine).await, 1);
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(1)], "the tick itself has no jitter");
    let other = engine.schedules().get("nightly").await.unwrap().due_at.unwrap();
    assert_ne!(other - night(2), due - night(1), "each tick has its own");
}

async fn a_serverless_host_starts_runs_when_it_is_called(world: World) {
    let engine = idle_engine(&world).await;
    let host = engine.serverless(ServerlessSettings::default()).unwrap();
    engine.schedules().put(nightly()).await.unwrap();
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!((report.failed.len(), report.next_due), (0, Some(night(1))));
    world.clock.advance(HOUR);
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!(report.failed.len(), 0);
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(1)]);
}

async fn a_builder_applies_its_schedules_by_id(world: World) {
    let build = async |schedule: Schedule| {
        let builder = world.engine().register::<Reports>().without_worker();
        builder.schedule(schedule).build().await.unwrap()
    };
    let engine = build(nightly()).await;
    let first = world.store.schedule("nightly").await.unwrap().unwrap();
    assert_eq!(first.next_at, Some(night(1)));
    build(nightly()).await;
    assert_eq!(world.store.schedule("nightly").await.unwrap().unwrap(), first, "it is the same");
    build(nightly().overlap(Overlap::Queue)).await;
    let changed = world.store.schedule("nightly").await.unwrap().unwrap();
    assert_eq!((changed.version, changed.next_at), (first.version + 1, first.next_at));
    assert_eq!(changed.schedule.overlap, Overlap::Queue);
    assert_eq!(engine.schedules().list().await.unwrap().items.len(), 1);
}

async fn a_tick_that_was_handled_by_another_process_is_lost(world: World) {
    let (one, other) = (idle_engine(&world).await, idle_engine(&world).await);
    one.schedules().put(nightly()).await.unwrap();
    world.clock.advance(HOUR);
    let (first, second) = tokio::join!(tick(&one), tick(&other));
    assert_eq!(first.started + second.started, 1, "{first:?} {second:?}");
    assert_eq!(ticks_of(&world, &one, "nightly").await, [night(1)]);
}
