//! Both nights of the year in two cities.

use chrono::{DateTime, Utc};
use tests::world::World;
use workflow_engine::Schedule;
use workflow_engine::prelude::*;

use super::fixture::{Reports, idle_engine, input};

/// Returns the ticks of a pattern between two instants.
async fn ticks(engine: &Engine, zone: &str, pattern: &str, from: &str, to: &str) -> Vec<String> {
    let id = format!("{zone} {pattern}");
    let schedule = Schedule::cron(&id, pattern).zone(zone).start::<Reports>(input("north")).unwrap();
    engine.schedules().put(schedule).await.unwrap();
    let instant = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let ticks = engine.schedules().backfill(&id, instant(from), instant(to)).preview().await.unwrap();
    assert!(ticks.iter().all(|tick| tick.is_new && tick.run_id.is_none()));
    ticks.iter().map(|tick| tick.scheduled_for.format("%d %H:%M").to_string()).collect()
}

#[tokio::test]
async fn a_nightly_schedule_ticks_once_in_each_night_of_the_year() {
    let engine = idle_engine(&World::memory().await).await;
    // The clocks of Berlin skip 02:00 to 03:00 at 01:00 in UTC.
    let spring =
        ticks(&engine, "Europe/Berlin", "30 2 * * *", "2025-03-29T00:00:00Z", "2025-03-31T12:00:00Z");
    assert_eq!(spring.await, ["29 01:30", "30 01:00", "31 00:30"]);
    let autumn =
        ticks(&engine, "Europe/Berlin", "30 2 * * *", "2025-10-25T00:00:00Z", "2025-10-27T12:00:00Z");
    assert_eq!(autumn.await, ["25 00:30", "26 00:30", "27 01:30"]);
    // Those of New York skip 02:00 to 03:00 at 07:00 in UTC, and repeat 01:00 to 02:00 from 06:00 on.
    let spring =
        ticks(&engine, "America/New_York", "30 2 * * *", "2025-03-08T00:00:00Z", "2025-03-10T12:00:00Z");
    assert_eq!(spring.await, ["08 07:30", "09 07:00", "10 06:30"]);
    let autumn =
        ticks(&engine, "America/New_York", "30 1 * * *", "2025-11-01T00:00:00Z", "2025-11-03T12:00:00Z");
    assert_eq!(autumn.await, ["01 05:30", "02 05:30", "03 06:30"]);
}

#[tokio::test]
async fn a_schedule_of_every_half_hour_ticks_in_both_of_the_repeated_hours() {
    let engine = idle_engine(&World::memory().await).await;
    let berlin =
        ticks(&engine, "Europe/Berlin", "*/30 * * * *", "2025-10-26T00:00:00Z", "2025-10-26T02:00:00Z");
    assert_eq!(berlin.await, ["26 00:00", "26 00:30", "26 01:00", "26 01:30", "26 02:00"]);
    let spring =
        ticks(&engine, "Europe/Berlin", "*/30 * * * *", "2025-03-30T00:00:00Z", "2025-03-30T02:00:00Z");
    assert_eq!(spring.await, ["30 00:00", "30 00:30", "30 01:00", "30 01:30", "30 02:00"]);
    let new_york =
        ticks(&engine, "America/New_York", "*/30 * * * *", "2025-11-02T05:00:00Z", "2025-11-02T07:00:00Z");
    assert_eq!(new_york.await, ["02 05:00", "02 05:30", "02 06:00", "02 06:30", "02 07:00"]);
}
