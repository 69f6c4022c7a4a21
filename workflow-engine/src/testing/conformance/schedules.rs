//! Cases about schedules: they are kept, found when they are due, and moved together with the run that they start.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::fixture::{Fixture, decision, json, new_run};
use crate::ports::{Change, Clock, Commit, Precondition};
use crate::records::{Schedule, SchedulePause, ScheduleRecord, ScheduleRefusal, ScheduleStart};
use crate::value::RunId;

cases![
    a_schedule_is_read_back_as_it_was_written,
    a_schedule_is_written_only_at_the_expected_version,
    schedules_are_listed_by_id,
    a_due_schedule_is_found_by_its_workflow,
    the_longest_overdue_schedule_is_found_first,
    a_schedule_is_found_when_the_run_that_blocks_it_ends,
    a_tick_creates_its_run_and_moves_its_schedule,
    of_two_ticks_at_once_one_is_applied,
    a_tick_of_a_changed_or_deleted_schedule_writes_nothing,
    a_tick_whose_key_is_taken_writes_nothing,
    ticks_of_several_schedules_share_a_transaction,
    a_schedule_that_was_written_while_the_clock_was_ahead_is_due,
    a_schedule_that_is_written_is_hinted,
];

const HOUR: Duration = Duration::from_secs(3_600);

fn workflows() -> Vec<String> {
    vec!["workflow".to_owned()]
}

fn schedule(id: &str, workflow: &str) -> Schedule {
    let fields = serde_json::json!({
        "id": id, "cron": "0 2 * * *", "zone": "Europe/Berlin", "workflow_id": workflow, "input": {"ä\u{1}": [1.5, null]},
    });
    serde_json::from_value(fields).unwrap()
}

/// Writes a schedule that is due at an instant.
async fn put(fixture: &Fixture, id: &str, workflow: &str, due_at: Option<DateTime<Utc>>) -> ScheduleRecord {
    let new = ScheduleRecord::new(schedule(id, workflow), 1, fixture.clock.now());
    let record = ScheduleRecord { next_at: due_at, due_at, ..new };
    assert!(fixture.store.put_schedule(&record, None).await.unwrap());
    record
}

async fn read(fixture: &Fixture, id: &str) -> ScheduleRecord {
    fixture.store.schedule(id).await.unwrap().expect("the schedule exists")
}

async fn due(fixture: &Fixture) -> Vec<String> {
    let due = fixture.store.due_schedules(&workflows(), 10).await.unwrap();
    due.schedules.into_iter().map(|record| record.schedule.id).collect()
}

/// Returns the schedule after a tick.
fn moved(record: &ScheduleRecord, run_id: RunId) -> ScheduleRecord {
    let next = record.next_at.unwrap() + HOUR;
    let mut moved = ScheduleRecord {
        version: record.version + 1,
        next_at: Some(next),
        due_at: Some(next),
        ..record.clone()
    };
    moved.state.last = Some(ScheduleStart { scheduled_for: record.next_at.unwrap(), run_id });
    moved
}

async fn tick(fixture: &Fixture, record: &ScheduleRecord) -> (RunId, Commit) {
    let run_id = RunId::generate();
    let precondition =
        Precondition::Schedule { id: record.schedule.id.clone(), version: record.version };
    let changes =
        vec![Change::CreateRun(new_run()), Change::MoveSchedule(Box::new(moved(record, run_id)))];
    (run_id, fixture.commit(decision(run_id, precondition, changes)).await)
}

async fn a_schedule_is_read_back_as_it_was_written(fixture: Fixture) {
    let now = fixture.clock.now();
    assert_eq!(fixture.store.schedule("nightly").await.unwrap(), None);
    let mut record = ScheduleRecord::new(schedule("nightly", "workflow"), 7, now);
    record.next_at = Some(now + HOUR);
    record.due_at = Some(now + 2 * HOUR);
    record.blocked_by = Some(RunId::generate());
    record.state.paused = Some(SchedulePause { at: now, reason: Some("\u{0}'\"".into()) });
    record.state.open_runs = vec![RunId::generate(), RunId::generate()];
    record.state.skipped = 3;
    record.state.refusal = Some(ScheduleRefusal {
        scheduled_for: now,
        code: "INVALID_INPUT".into(),
        message: "the input of workflow `w` is not valid".into(),
        attempts: 2,
        at: now,
    });
    assert!(fixture.store.put_schedule(&record, None).await.unwrap());
    assert_eq!(read(&fixture, "nightly").await, record);
    let plain = ScheduleRecord::new(schedule("nightly", "other"), 8, now);
    fixture.clock.advance(HOUR);
    assert!(fixture.store.put_schedule(&plain, Some(7)).await.unwrap());
    let written_at = now + HOUR;
    assert_eq!(read(&fixture, "nightly").await, ScheduleRecord { written_at, ..plain });
}

async fn a_schedule_is_written_only_at_the_expected_version(fixture: Fixture) {
    let record = put(&fixture, "nightly", "workflow", None).await;
    assert!(!fixture.store.put_schedule(&record, None).await.unwrap(), "it exists");
    let next = ScheduleRecord { version: 2, ..record.clone() };
    assert!(!fixture.store.put_schedule(&next, Some(2)).await.unwrap(), "it has another version");
    assert_eq!(read(&fixture, "nightly").await.version, 1);
    assert!(fixture.store.put_schedule(&next, Some(1)).await.unwrap());
    assert!(!fixture.store.put_schedule(&next, Some(1)).await.unwrap());
    assert!(fixture.store.delete_schedule("nightly").await.unwrap());
    assert!(!fixture.store.delete_schedule("nightly").await.unwrap());
    assert!(!fixture.store.put_schedule(&next, Some(2)).await.unwrap(), "it is deleted");
}

async fn schedules_are_listed_by_id(fixture: Fixture) {
    for id in ["b", "a", "B", "c"] {
        put(&fixture, id, "workflow", None).await;
    }
    let list = async |after: Option<&str>| {
        let page = fixture.store.schedules(after, 3).await.unwrap();
        page.into_iter().map(|record| record.schedule.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None).await, ["B", "a", "b"]);
    assert_eq!(list(Some("b")).await, ["c"]);
}

async fn a_due_schedule_is_found_by_its_workflow(fixture: Fixture) {
    let now = fixture.clock.now();
    put(&fixture, "second", "workflow", Some(now + HOUR)).await;
    put(&fixture, "first", "workflow", Some(now)).await;
    put(&fixture, "paused", "workflow", None).await;
    put(&fixture, "foreign", "other", Some(now)).await;
    assert_eq!(due(&fixture).await, ["first"]);
    let waits = fixture.store.schedule_waits(&workflows()).await.unwrap();
    assert_eq!((waits.next_due, waits.runs), (Some(now), vec![]));
    assert_eq!(fixture.store.schedule_waits(&[]).await.unwrap().next_due, None);
    fixture.clock.advance(HOUR);
    assert_eq!(due(&fixture).await, ["first", "second"]);
    assert_eq!(fixture.store.due_schedules(&workflows(), 1).await.unwrap().schedules.len(), 1);
    let all = ["workflow".to_owned(), "other".to_owned(), "workflow".to_owned()];
    assert_eq!(fixture.store.due_schedules(&all[..2], 10).await.unwrap().schedules.len(), 3);
    let found = fixture.store.due_schedules(&workflows(), 10).await.unwrap();
    assert_eq!(found.now, now + HOUR);
}

async fn the_longest_overdue_schedule_is_found_first(fixture: Fixture) {
    let now = fixture.clock.now();
    for (id, workflow, overdue) in [("a", "a", 1), ("b", "b", 3), ("c", "b", 2), ("d", "a", 4)] {
        put(&fixture, id, workflow, Some(now - overdue * HOUR)).await;
    }
    let found = fixture.store.due_schedules(&["a".into(), "b".into()], 3).await.unwrap();
    let ids: Vec<_> = found.schedules.into_iter().map(|record| record.schedule.id).collect();
    assert_eq!(ids, ["d", "b", "c"]);
}

async fn a_schedule_is_found_when_the_run_that_blocks_it_ends(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let deleted = RunId::generate();
    for (id, run) in [("blocked", run_id), ("freed", deleted)] {
        let new = ScheduleRecord::new(schedule(id, "workflow"), 1, fixture.clock.now());
        let record = ScheduleRecord { blocked_by: Some(run), next_at: Some(fixture.clock.now()), ..new };
        assert!(fixture.store.put_schedule(&record, None).await.unwrap());
    }
    let mut runs = vec![run_id, deleted];
    runs.sort_unstable();
    let waits = fixture.store.schedule_waits(&workflows()).await.unwrap();
    assert_eq!((waits.next_due, waits.runs), (None, runs));
    assert_eq!(due(&fixture).await, ["freed"], "a run that is deleted blocks nothing");
    fixture.complete_run(&job).await;
    let mut found = due(&fixture).await;
    found.sort_unstable();
    assert_eq!(found, ["blocked", "freed"]);
}

async fn a_tick_creates_its_run_and_moves_its_schedule(fixture: Fixture) {
    let now = fixture.clock.now();
    let record = put(&fixture, "nightly", "workflow", Some(now)).await;
    let (run_id, commit) = tick(&fixture, &record).await;
    assert!(matches!(commit, Commit::Applied(_)), "{commit:?}");
    assert_eq!(fixture.event_names(run_id).await, ["workflow:created"]);
    assert_eq!(read(&fixture, "nightly").await, moved(&record, run_id));
    assert_eq!(due(&fixture).await, Vec::<String>::new());
}

async fn of_two_ticks_at_once_one_is_applied(fixture: Fixture) {
    let mut record = put(&fixture, "nightly", "workflow", Some(fixture.clock.now())).await;
    for _ in 0..20 {
        let ticks = futures_util::future::join_all((0..4).map(|_| tick(&fixture, &record))).await;
        let applied: Vec<_> = ticks.iter().filter(|(_, commit)| matches!(commit, Commit::Applied(_))).collect();
        assert_eq!(applied.len(), 1, "a tick starts one run: {ticks:?}");
        for (run_id, commit) in &ticks {
            let exists = fixture.store.run(*run_id).await.unwrap().is_some();
            assert_eq!(exists, matches!(commit, Commit::Applied(_)));
        }
        record = read(&fixture, "nightly").await;
        assert_eq!(record.state.last.as_ref().unwrap().run_id, applied[0].0);
    }
}

async fn a_tick_of_a_changed_or_deleted_schedule_writes_nothing(fixture: Fixture) {
    let record = put(&fixture, "nightly", "workflow", Some(fixture.clock.now())).await;
    let changed = ScheduleRecord { version: 2, ..record.clone() };
    assert!(fixture.store.put_schedule(&changed, Some(1)).await.unwrap());
    let (run_id, commit) = tick(&fixture, &record).await;
    assert_eq!(commit, Commit::PreconditionFailed);
    assert_eq!(fixture.store.run(run_id).await.unwrap(), None);
    assert_eq!(read(&fixture, "nightly").await, changed);
    assert!(fixture.store.delete_schedule("nightly").await.unwrap());
    let (run_id, commit) = tick(&fixture, &changed).await;
    assert_eq!(commit, Commit::PreconditionFailed);
    assert_eq!(fixture.store.run(run_id).await.unwrap(), None);
    assert_eq!(fixture.store.schedule("nightly").await.unwrap(), None);
}

async fn a_tick_whose_key_is_taken_writes_nothing(fixture: Fixture) {
    let record = put(&fixture, "nightly", "workflow", Some(fixture.clock.now())).await;
    let idempotency = Some(super::fixture::entry("run.create", "schedule:nightly:1", 7));
    let mut first = decision(RunId::generate(), Precondition::Absent, vec![Change::CreateRun(new_run())]);
    first.idempotency.clone_from(&idempotency);
    fixture.apply(first).await;
    let run_id = RunId::generate();
    let precondition = Precondition::Schedule { id: "nightly".into(), version: 1 };
    let changes =
        vec![Change::CreateRun(new_run()), Change::MoveSchedule(Box::new(moved(&record, run_id)))];
    let mut second = decision(run_id, precondition, changes);
    second.idempotency = idempotency;
    let commit = fixture.commit(second).await;
    let Commit::Duplicate { result, .. } = commit else { panic!("the key is taken: {commit:?}") };
    assert_eq!(result, json(&7));
    assert_eq!(read(&fixture, "nightly").await, record);
}

async fn ticks_of_several_schedules_share_a_transaction(fixture: Fixture) {
    let now = fixture.clock.now();
    let mut records = Vec::new();
    for number in 0..8 {
        records.push(put(&fixture, &format!("schedule-{number}"), "workflow", Some(now)).await);
    }
    let ticks = records.iter().chain(records.iter().rev()).map(|record| tick(&fixture, record));
    let ticks = futures_util::future::join_all(ticks).await;
    let applied = ticks.iter().filter(|(_, commit)| matches!(commit, Commit::Applied(_))).count();
    assert_eq!(applied, 8, "{ticks:?}");
    for record in &records {
        let stored = read(&fixture, &record.schedule.id).await;
        assert_eq!(stored.version, 2);
        assert!(fixture.store.run(stored.state.last.unwrap().run_id).await.unwrap().is_some());
    }
}

async fn a_schedule_that_was_written_while_the_clock_was_ahead_is_due(fixture: Fixture) {
    let now = fixture.clock.now();
    put(&fixture, "before", "workflow", Some(now + 3 * HOUR)).await;
    fixture.clock.jump(TimeDelta::days(1));
    fixture.store.correct_instants().await.unwrap();
    let ahead = fixture.clock.now();
    put(&fixture, "ahead", "workflow", Some(ahead + HOUR)).await;
    put(&fixture, "paused", "workflow", None).await;
    fixture.clock.jump(TimeDelta::days(-1));
    fixture.store.correct_instants().await.unwrap();
    assert_eq!(due(&fixture).await, ["ahead"], "it looks for its next tick");
    let corrected = read(&fixture, "ahead").await;
    assert_eq!(corrected.next_at, Some(ahead + HOUR), "a tick is an instant of the calendar");
    assert_eq!((corrected.written_at, corrected.version), (fixture.clock.now(), 2));
    assert_eq!(read(&fixture, "before").await.due_at, Some(now + 3 * HOUR));
    fixture.store.correct_instants().await.unwrap();
    assert_eq!(read(&fixture, "ahead").await.version, 2, "once");
}

async fn a_schedule_that_is_written_is_hinted(fixture: Fixture) {
    let mut timers = fixture.store.hints().watch_timers();
    let record = put(&fixture, "nightly", "workflow", Some(fixture.clock.now())).await;
    assert!(timers.has_changed().unwrap());
    timers.mark_unchanged();
    assert!(!fixture.store.put_schedule(&record, Some(9)).await.unwrap());
    assert!(!timers.has_changed().unwrap(), "nothing was written");
    tick(&fixture, &record).await;
    assert!(timers.has_changed().unwrap());
}
