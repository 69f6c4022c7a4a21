//! Schedules that are paused, changed or deleted, also while a tick is due.

use tests::world::World;
use workflow_engine::kernel::PutScheduleOutput;
use workflow_engine::{Schedule, ScheduleStatus};

use super::fixture::{
    DAY, HOUR, Reports, idle_engine, input, night, nightly, runs_of, tick, tick_all, ticks_of,
};

tests::on_every_store! {
    a_paused_schedule_starts_nothing_until_it_is_resumed,
    a_due_tick_takes_the_changed_input,
    a_due_tick_of_the_old_timing_is_dropped_unless_the_new_one_has_it,
    a_deleted_schedule_starts_nothing,
    a_schedule_that_is_created_again_starts_anew,
    schedules_are_listed_page_by_page,
}

async fn a_paused_schedule_starts_nothing_until_it_is_resumed(world: World) {
    let engine = idle_engine(&world).await;
    let schedules = engine.schedules();
    schedules.put(nightly()).await.unwrap();
    world.clock.advance(HOUR);
    assert!(schedules.pause("nightly", "the source is broken".to_owned()).await.unwrap());
    assert!(!schedules.pause("nightly", "again".to_owned()).await.unwrap());
    assert_eq!(tick_all(&engine).await, 0, "also for the tick that is due");
    let info = schedules.get("nightly").await.unwrap();
    assert_eq!((info.status, info.next.len(), info.due_at), (ScheduleStatus::Paused, 0, None));
    assert_eq!(info.reason.as_deref(), Some("the source is broken"));
    world.clock.advance(3 * DAY);
    // A change does not resume it.
    let changed = Schedule::cron("nightly", "0 3 * * *").start::<Reports>(input("south")).unwrap();
    assert_eq!(schedules.put(changed).await.unwrap(), PutScheduleOutput::Changed);
    assert_eq!(tick_all(&engine).await, 0);
    schedules.put(nightly()).await.unwrap();
    assert!(schedules.resume("nightly").await.unwrap());
    assert!(!schedules.resume("nightly").await.unwrap());
    assert_eq!(tick_all(&engine).await, 0, "the ticks of the pause are not caught up");
    assert_eq!(schedules.get("nightly").await.unwrap().next[0], night(5));
    world.clock.advance(DAY);
    assert_eq!(tick_all(&engine).await, 1);
    assert!(schedules.pause("weekly", None).await.unwrap_err().is_not_found());
}

async fn a_due_tick_takes_the_changed_input(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly()).await.unwrap();
    world.clock.advance(HOUR);
    let changed = Schedule::cron("nightly", "0 2 * * *").zone("Europe/Berlin");
    engine.schedules().put(changed.start::<Reports>(input("south")).unwrap()).await.unwrap();
    assert_eq!(tick(&engine).await.started, 1);
    let run = runs_of(&engine, "nightly").await[0].id;
    let request = world.store.request(run).await.unwrap().unwrap();
    assert_eq!(request.input.as_str(), r#"{"region":"south"}"#);
}

async fn a_due_tick_of_the_old_timing_is_dropped_unless_the_new_one_has_it(world: World) {
    let engine = idle_engine(&world).await;
    let put = async |pattern: &str| {
        let cron = Schedule::cron("nightly", pattern).zone("Europe/Berlin");
        engine.schedules().put(cron.start::<Reports>(input("north")).unwrap()).await.unwrap();
    };
    put("0 2 * * *").await;
    world.clock.advance(HOUR);
    put("0 5 * * *").await;
    assert_eq!(tick_all(&engine).await, 0, "02:00 is no tick any more");
    assert_eq!(engine.schedules().get("nightly").await.unwrap().next[0], night(1) + 3 * HOUR);
    world.clock.advance(3 * HOUR);
    put("0 */5 * * *").await;
    assert_eq!(tick_all(&engine).await, 1, "05:00 is a tick of the new pattern, too");
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(1) + 3 * HOUR]);
}

async fn a_deleted_schedule_starts_nothing(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly()).await.unwrap();
    world.clock.advance(HOUR);
    assert!(engine.schedules().delete("nightly").await.unwrap());
    assert!(!engine.schedules().delete("nightly").await.unwrap());
    assert_eq!(tick_all(&engine).await, 0);
    assert_eq!(runs_of(&engine, "nightly").await.len(), 0);
    assert!(engine.schedules().get("nightly").await.unwrap_err().is_not_found());
}

async fn a_schedule_that_is_created_again_starts_anew(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly()).await.unwrap();
    world.clock.advance(HOUR);
    assert_eq!(tick_all(&engine).await, 1);
    let before = world.store.schedule("nightly").await.unwrap().unwrap();
    engine.schedules().delete("nightly").await.unwrap();
    assert_eq!(engine.schedules().put(nightly()).await.unwrap(), PutScheduleOutput::Created);
    let after = world.store.schedule("nightly").await.unwrap().unwrap();
    assert!(after.version > before.version, "no decision about the old one fits the new one");
    assert_eq!((after.next_at, after.state.last), (Some(night(2)), None));
}

async fn schedules_are_listed_page_by_page(world: World) {
    let engine = idle_engine(&world).await;
    for id in ["c", "a", "b"] {
        let schedule = Schedule::every(id, HOUR).start::<Reports>(input("north")).unwrap();
        engine.schedules().put(schedule).await.unwrap();
    }
    let page = engine.schedules().list().limit(2).await.unwrap();
    let ids: Vec<_> = page.items.iter().map(|info| info.schedule.id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(page.items[0].next.len(), 5);
    let page = engine.schedules().list().limit(2).after(page.next.unwrap()).await.unwrap();
    assert_eq!((page.items.len(), page.next), (1, None));
}
