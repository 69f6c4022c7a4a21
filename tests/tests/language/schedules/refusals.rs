//! Schedules that cannot start their runs, and those that are refused.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tests::world::World;
use workflow_engine::records::{CatchUp, ScheduleRecord};
use workflow_engine::{ErrorCode, Schedule, ScheduleStatus};

use super::fixture::{
    DAY, HOUR, Reports, SECOND, idle_engine, input, night, nightly, runs_of, tick, tick_all, ticks_of,
};

tests::on_every_store! {
    an_input_that_no_longer_fits_keeps_its_tick,
    a_schedule_waits_for_a_process_that_has_its_workflow,
    a_schedule_that_is_not_valid_is_refused,
    a_process_without_the_workflow_checks_the_input_by_its_stored_schema,
}

/// Writes a schedule whose input no longer fits its workflow, as after a deployment.
async fn put_outdated(world: &World) {
    let stored = world.store.schedule("nightly").await.unwrap().unwrap();
    let mut outdated: ScheduleRecord = stored.clone();
    outdated.version += 1;
    outdated.schedule.input = workflow_engine::Json::parse(r#"{"regions":["north"]}"#).unwrap();
    assert!(world.store.put_schedule(&outdated, Some(stored.version)).await.unwrap());
}

async fn an_input_that_no_longer_fits_keeps_its_tick(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly()).await.unwrap();
    put_outdated(&world).await;
    world.clock.advance(HOUR);
    assert_eq!(tick(&engine).await.refused, 1);
    assert_eq!(tick(&engine).await.refused, 0, "it is not tried at once again");
    let info = engine.schedules().get("nightly").await.unwrap();
    assert_eq!((info.status, info.next[0]), (ScheduleStatus::Refused, night(1)));
    let refusal = info.state.refusal.expect("it says why");
    assert_eq!(
        (refusal.scheduled_for, refusal.code.as_str(), refusal.attempts),
        (night(1), "INVALID_INPUT", 1)
    );
    assert!(info.reason.unwrap().starts_with("INVALID_INPUT: the input of workflow `reports`"));
    for (pause, attempts) in [(5, 2), (10, 3), (20, 4)] {
        world.clock.advance((pause * SECOND).saturating_sub(Duration::from_micros(1)));
        assert_eq!(tick(&engine).await.refused, 0);
        world.clock.advance(Duration::from_micros(1));
        assert_eq!(tick(&engine).await.refused, 1);
        let refusal = engine.schedules().get("nightly").await.unwrap().state.refusal.unwrap();
        assert_eq!(refusal.attempts, attempts);
    }
    engine.schedules().put(nightly()).await.unwrap();
    assert_eq!(tick_all(&engine).await, 1, "what is corrected starts at once");
    assert_eq!(ticks_of(&world, &engine, "nightly").await, [night(1)]);
    let info = engine.schedules().get("nightly").await.unwrap();
    assert_eq!((info.status, info.state.refusal), (ScheduleStatus::Active, None));
}

async fn a_schedule_waits_for_a_process_that_has_its_workflow(world: World) {
    let engine = idle_engine(&world).await;
    engine.schedules().put(nightly()).await.unwrap();
    let other = world.engine().without_worker().build().await.unwrap();
    world.clock.advance(HOUR);
    assert_eq!(tick_all(&other).await, 0);
    assert_eq!(other.schedules().get("nightly").await.unwrap().status, ScheduleStatus::Active);
    world.clock.advance(61 * SECOND);
    assert_eq!(tick_all(&other).await, 0);
    let info = other.schedules().get("nightly").await.unwrap();
    assert_eq!((info.status, info.next[0]), (ScheduleStatus::Overdue, night(1)));
    let reason = "WORKFLOW_NOT_FOUND: it is due since 2026-01-01T01:00:00Z, and no process that has workflow `reports` and the feature `schedules` takes it";
    assert_eq!(info.reason.as_deref(), Some(reason));
    let error = other.schedules().trigger("nightly").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::WorkflowNotFound);
    assert_eq!(tick_all(&engine).await, 1);
}

async fn a_schedule_that_is_not_valid_is_refused(world: World) {
    let engine = idle_engine(&world).await;
    let refused = async |schedule: Schedule| {
        let error = engine.schedules().put(schedule).await.unwrap_err();
        (error.code().as_str(), error.to_string())
    };
    let cron = |pattern: &str| Schedule::cron("nightly", pattern).start::<Reports>(input("north")).unwrap();
    let (code, message) = refused(cron("0 0 31 2 *")).await;
    assert_eq!(code, "SCHEDULE_NEVER_FIRES");
    let expected = "schedule `nightly` would never start a run: the cron pattern `0 0 31 2 *` has no instant after 2026-01-01T00:00:00Z in the zone `UTC`";
    assert_eq!(message, expected);
    let (code, message) = refused(cron("0 25 * * *")).await;
    assert_eq!(code, "INVALID_SCHEDULE");
    assert!(
        message
            .starts_with("schedule `nightly` is not valid: the cron pattern `0 25 * * *` cannot be read: ")
    );
    for (schedule, reason) in [
        (cron("0 2 * * *").jitter(2 * DAY), "its jitter is 172800s, but must be at most a day"),
        (
            cron("0 2 * * *").catch_up(CatchUp::All { at_most: 0 }),
            "it catches up at most 0 ticks, but must catch up from 1 to 1000",
        ),
        (
            cron("0 2 * * *").metadata(7).unwrap(),
            "its metadata must be an object without the field `schedule`",
        ),
        (
            cron("0 2 * * *").tag("schedule", "x"),
            "it may have 15 tags; each run has the tag `schedule` in addition",
        ),
    ] {
        let expected = format!("schedule `nightly` is not valid: {reason}");
        assert_eq!(refused(schedule).await, ("INVALID_SCHEDULE", expected));
    }
    let mut outdated = cron("0 2 * * *");
    outdated.input = workflow_engine::Json::null();
    assert_eq!(refused(outdated).await.0, "INVALID_INPUT");
    let mut unknown = cron("0 2 * * *");
    unknown.workflow_id = "reporting".into();
    assert_eq!(refused(unknown).await.0, "WORKFLOW_NOT_FOUND");
    assert_eq!(engine.schedules().list().await.unwrap().items.len(), 0);
    assert_eq!(runs_of(&engine, "nightly").await.len(), 0);
}

async fn a_process_without_the_workflow_checks_the_input_by_its_stored_schema(world: World) {
    idle_engine(&world).await;
    let other = world.engine().without_worker().build().await.unwrap();
    other.schedules().put(nightly()).await.unwrap();
    let mut outdated = nightly();
    outdated.input = workflow_engine::Json::parse(r#"{"region":7}"#).unwrap();
    let error = other.schedules().put(outdated).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidInput);
    let next: DateTime<Utc> = other.schedules().get("nightly").await.unwrap().next[0];
    assert_eq!(next, night(1));
}
