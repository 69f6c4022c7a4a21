//! Runs of ticks in the past.

use tests::world::World;
use workflow_engine::{ErrorCode, Schedule};

use super::fixture::{
    DAY, HOUR, MINUTE, Reports, SECOND, idle_engine, input, night, nightly, tick_all, ticks_of,
};

tests::on_every_store! {
    a_backfill_starts_what_has_no_run,
    a_backfill_has_limits,
}

async fn a_backfill_starts_what_has_no_run(world: World) {
    let engine = idle_engine(&world).await;
    let schedules = engine.schedules();
    schedules.put(nightly()).await.unwrap();
    world.clock.advance(HOUR);
    assert_eq!(tick_all(&engine).await, 1);
    schedules.pause("nightly", "holidays".to_owned()).await.unwrap();
    world.clock.advance(3 * DAY);

    let preview = schedules.backfill("nightly", night(1), night(3)).preview().await.unwrap();
    let ticks: Vec<_> = preview.iter().map(|tick| (tick.scheduled_for, tick.is_new)).collect();
    assert_eq!(ticks, [(night(1), false), (night(2), true), (night(3), true)]);
    assert!(preview[0].run_id.is_some() && preview[1].run_id.is_none());
    assert_eq!(ticks_of(&world, &engine, "nightly").await.len(), 1, "a preview starts nothing");

    let first = schedules.backfill("nightly", night(1), night(3)).await.unwrap();
    assert_eq!(first.iter().filter(|tick| tick.is_new).count(), 2);
    let second = schedules.backfill("nightly", night(1), night(3)).await.unwrap();
    assert!(second.iter().all(|tick| !tick.is_new), "what has run does not run again");
    let runs = |ticks: &[workflow_engine::kernel::BackfilledTick]| {
        ticks.iter().map(|tick| tick.run_id).collect::<Vec<_>>()
    };
    assert_eq!(runs(&first), runs(&second));
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(1), night(2), night(3)]);

    // Also where the input has changed since.
    let south = Schedule::cron("nightly", "0 2 * * *").zone("Europe/Berlin");
    schedules.put(south.start::<Reports>(input("south")).unwrap()).await.unwrap();
    let third = schedules.backfill("nightly", night(1), night(4)).await.unwrap();
    assert_eq!(runs(&third)[..3], runs(&first)[..]);
    assert!(third[3].is_new);
    // The tick that a backfill has started is no second run for the schedule.
    assert_eq!(tick_all(&engine).await, 0);
}

async fn a_backfill_has_limits(world: World) {
    let engine = idle_engine(&world).await;
    let minutely = Schedule::every("minutely", MINUTE).start::<Reports>(input("north")).unwrap();
    engine.schedules().put(minutely).await.unwrap();
    let now = world.clock_now();
    let refused = async |from, to| {
        let error = engine.schedules().backfill("minutely", from, to).preview().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        error.to_string()
    };
    let future = refused(now, now + SECOND).await;
    let expected = "a backfill is for the past: it goes from 2026-01-01T00:00:00Z to 2026-01-01T00:00:01Z, and now is 2026-01-01T00:00:00Z";
    assert_eq!(future, expected);
    let reversed = refused(now, now - SECOND).await;
    assert!(reversed.starts_with("a backfill is for the past"), "{reversed}");
    let many = refused(now - 1_000 * MINUTE, now).await;
    assert!(many.starts_with("schedule `minutely` has more than 1000 ticks from"), "{many}");
    let ticks = engine.schedules().backfill("minutely", now - 999 * MINUTE, now).preview().await.unwrap();
    assert_eq!(ticks.len(), 1_000);
    let missing = engine.schedules().backfill("weekly", now, now).await.unwrap_err();
    assert_eq!(missing.code(), ErrorCode::ScheduleNotFound);
}
