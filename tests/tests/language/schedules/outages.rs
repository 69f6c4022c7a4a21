//! Ticks that no process was there for, and clocks that jump.

use chrono::TimeDelta;
use tests::world::World;
use workflow_engine::prelude::*;
use workflow_engine::records::{CatchUp, Overlap};

use super::fixture::{DAY, HOUR, SECOND, idle_engine, night, nightly, tick_all, ticks_of};

tests::on_every_store! {
    after_a_week_one_run_starts_for_all_ticks,
    after_a_week_the_newest_ticks_start_a_run_each,
    after_a_week_no_run_starts_where_missed_ticks_do_not_count,
    a_clock_that_jumps_ahead_is_an_outage,
    a_clock_that_goes_back_starts_no_second_run,
    a_schedule_made_while_the_clock_was_ahead_ticks_in_time,
}

/// Goes to noon of the eighth of January: eight nights later.
fn sleep_a_week(world: &World) {
    world.clock.advance(7 * DAY + 12 * HOUR);
}

async fn next(engine: &Engine) -> chrono::DateTime<chrono::Utc> {
    engine.schedules().get("nightly").await.unwrap().next[0]
}

async fn after_a_week_one_run_starts_for_all_ticks(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly()).await.unwrap();
    sleep_a_week(&world);
    assert_eq!(tick_all(&engine).await, 1);
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(8)]);
    assert_eq!(next(&engine).await, night(9));
}

async fn after_a_week_the_newest_ticks_start_a_run_each(world: World) {
    let engine = idle_engine(&world).await;
    let all = nightly().catch_up(CatchUp::All { at_most: 3 });
    engine.schedules().put(all.clone().overlap(Overlap::Parallel)).await.unwrap();
    sleep_a_week(&world);
    assert_eq!(tick_all(&engine).await, 3);
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(6), night(7), night(8)]);
    assert_eq!(next(&engine).await, night(9));

    // The first of them is open when the second comes.
    engine.schedules().put(all.overlap(Overlap::Skip)).await.unwrap();
    world.clock.advance(3 * DAY);
    for run in super::fixture::runs_of(&engine, "nightly").await {
        engine.any_run(run.id).await.unwrap().cancel("over").await.unwrap();
    }
    assert_eq!(tick_all(&engine).await, 1);
    assert_eq!(ticks_of(&world, &engine, "nightly").await[3..], [night(9)]);
    assert_eq!(engine.schedules().get("nightly").await.unwrap().state.skipped, 2);
    assert_eq!(next(&engine).await, night(12));
}

async fn after_a_week_no_run_starts_where_missed_ticks_do_not_count(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly().catch_up(CatchUp::None)).await.unwrap();
    sleep_a_week(&world);
    assert_eq!(tick_all(&engine).await, 0);
    assert_eq!(next(&engine).await, night(9));
    // A tick that is less than a minute late is not missed.
    world.clock.advance(13 * HOUR + 59 * SECOND);
    assert_eq!(tick_all(&engine).await, 1);
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(9)]);
}

async fn a_clock_that_jumps_ahead_is_an_outage(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly()).await.unwrap();
    world.clock.jump(TimeDelta::days(2));
    world.store.correct_instants().await.unwrap();
    assert_eq!(tick_all(&engine).await, 1);
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(2)]);
    assert_eq!(next(&engine).await, night(3));
}

async fn a_clock_that_goes_back_starts_no_second_run(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly().overlap(Overlap::Parallel)).await.unwrap();
    for _ in 0..3 {
        world.clock.advance(DAY);
        assert_eq!(tick_all(&engine).await, 1);
    }
    assert_eq!(next(&engine).await, night(4));
    world.clock.jump(TimeDelta::days(-2));
    world.store.correct_instants().await.unwrap();
    assert_eq!(tick_all(&engine).await, 0);
    assert_eq!(next(&engine).await, night(2), "it waits for the next tick of the clock");
    for _ in 0..3 {
        world.clock.advance(DAY);
        tick_all(&engine).await;
    }
    let ticks = ticks_of(&world, &engine, "nightly").await;
    assert_eq!(ticks, [night(1), night(2), night(3), night(4)], "the ticks that come again had their runs");
}

async fn a_schedule_made_while_the_clock_was_ahead_ticks_in_time(world: World) {
    let engine = idle_engine(&world).await;
    world.clock.jump(TimeDelta::days(365));
    world.store.correct_instants().await.unwrap();
    engine.schedules().put(nightly()).await.unwrap();
    world.clock.jump(TimeDelta::days(-365));
    world.store.correct_instants().await.unwrap();
    assert_eq!(tick_all(&engine).await, 0);
    assert_eq!(next(&engine).await, night(1));
    world.clock.advance(HOUR);
    assert_eq!(tick_all(&engine).await, 1);
}
