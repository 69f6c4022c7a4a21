//! Ticks that come while an earlier run has not ended.

use tests::world::World;
use workflow_engine::prelude::*;
use workflow_engine::records::{CatchUp, Overlap};
use workflow_engine::{Schedule, ScheduleStatus};

use super::fixture::{DAY, HOUR, idle_engine, night, nightly, runs_of, tick, tick_all, ticks_of, wait_until};

tests::on_every_store! {
    a_tick_is_skipped_while_a_run_is_open,
    a_tick_waits_for_the_end_of_a_run,
    a_worker_starts_the_waiting_tick_when_the_run_ends,
    a_tick_starts_its_run_beside_the_other,
    a_tick_replaces_the_open_run,
    a_triggered_run_counts_as_open,
}

#[stage(signal = String, give_up_after = "300d")]
async fn ask(region: String) -> StageResult<String> {
    Ok(region)
}

workflow! { Questions = ask }

async fn engine_with(world: &World, schedule: Schedule) -> Engine {
    let engine = idle_engine(world).await;
    engine.schedules().put(schedule).await.unwrap();
    world.clock.advance(HOUR);
    assert_eq!(tick(&engine).await.started, 1);
    engine
}

async fn a_tick_is_skipped_while_a_run_is_open(world: World) {
    let engine = engine_with(&world, nightly()).await;
    world.clock.advance(DAY);
    let ticked = tick(&engine).await;
    assert_eq!((ticked.started, ticked.moved), (0, 1));
    let nightly = engine.schedules().get("nightly").await.unwrap();
    assert_eq!((nightly.state.skipped, nightly.next[0]), (1, night(3)));
    let runs = runs_of(&engine, "nightly").await;
    assert_eq!(nightly.state.open_runs, [runs[0].id]);
    engine.any_run(runs[0].id).await.unwrap().cancel("over").await.unwrap();
    world.clock.advance(DAY);
    assert_eq!(tick_all(&engine).await, 1);
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(1), night(3)]);
}

async fn a_tick_waits_for_the_end_of_a_run(world: World) {
    let none = nightly().overlap(Overlap::Queue).catch_up(CatchUp::None);
    let engine = engine_with(&world, none).await;
    let first = runs_of(&engine, "nightly").await[0].id;
    world.clock.advance(2 * DAY);
    assert_eq!(tick_all(&engine).await, 0, "the second tick was missed");
    world.clock.advance(DAY);
    assert_eq!(tick_all(&engine).await, 0);
    let nightly = engine.schedules().get("nightly").await.unwrap();
    assert_eq!((nightly.status, nightly.blocked_by), (ScheduleStatus::Blocked, Some(first)));
    assert_eq!(nightly.reason, Some(format!("run {first} of the schedule has not ended")));
    engine.any_run(first).await.unwrap().cancel("over").await.unwrap();
    world.clock.advance(2 * HOUR);
    assert_eq!(tick_all(&engine).await, 1, "it has waited, and was not missed");
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(1), night(4)]);
    assert_eq!(engine.schedules().get("nightly").await.unwrap().status, ScheduleStatus::Active);
}

async fn a_worker_starts_the_waiting_tick_when_the_run_ends(world: World) {
    let engine = world.engine().register::<Questions>().build().await.unwrap();
    let hourly = Schedule::cron("hourly", "0 * * * *");
    let hourly = hourly.start::<Questions>(AskInput { region: "north".into() }).unwrap();
    engine.schedules().put(hourly.overlap(Overlap::Queue)).await.unwrap();
    world.clock.advance(HOUR);
    wait_until(&world, "hourly", |record| record.state.last.is_some()).await;
    let first = runs_of(&engine, "hourly").await[0].id;
    world.clock.advance(HOUR);
    wait_until(&world, "hourly", |record| record.blocked_by == Some(first)).await;
    let run = engine.run_handle::<Questions>(first).await.unwrap();
    run.signal::<ask>("well".to_owned()).await.unwrap();
    assert_eq!(run.output().await.unwrap(), "well");
    wait_until(&world, "hourly", |record| {
        record.state.last.as_ref().is_some_and(|last| last.run_id != first)
    })
    .await;
    assert_eq!(runs_of(&engine, "hourly").await.len(), 2);
    engine.shutdown().await;
}

async fn a_tick_starts_its_run_beside_the_other(world: World) {
    let engine = engine_with(&world, nightly().overlap(Overlap::Parallel)).await;
    world.clock.advance(DAY);
    assert_eq!(tick_all(&engine).await, 1);
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(1), night(2)]);
    assert!(runs_of(&engine, "nightly").await.iter().all(|run| run.status == Status::Pending));
}

async fn a_tick_replaces_the_open_run(world: World) {
    let engine = engine_with(&world, nightly().overlap(Overlap::Replace)).await;
    world.clock.advance(DAY);
    assert_eq!(tick_all(&engine).await, 1);
    let runs = runs_of(&engine, "nightly").await;
    let statuses: Vec<_> = runs.iter().map(|run| run.status).collect();
    assert_eq!(statuses, [Status::Cancelled, Status::Pending]);
    let reason = "schedule `nightly` replaces it by the run of 2026-01-02T01:00:00Z";
    assert_eq!(runs[0].cancel_reason.as_deref(), Some(reason));
    assert_eq!(engine.schedules().get("nightly").await.unwrap().state.open_runs, [runs[1].id]);
}

async fn a_triggered_run_counts_as_open(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly()).await.unwrap();
    let trigger = || engine.schedules().trigger("nightly").idempotency_key("click-7");
    let run = trigger().await.unwrap();
    assert_eq!(trigger().await.unwrap().id(), run.id(), "the same key is the same run");
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [world.clock_now()]);
    world.clock.advance(HOUR);
    assert_eq!(tick_all(&engine).await, 0);
    assert_eq!(engine.schedules().get("nightly").await.unwrap().state.skipped, 1);
    let error = engine.schedules().trigger("weekly").await.unwrap_err();
    assert_eq!(error.to_string(), "there is no schedule `weekly`");
    assert!(error.is_not_found());
}
