//! Schedules by the command line, with the code of their workflow and without.

use crate::world::World;

const NIGHTLY: &str = r#"{"id":"nightly","cron":"30 2 * * *","zone":"Europe/Berlin","workflow_id":"ordering","input":{"article":"tea","number":2}}"#;

#[test]
fn a_schedule_is_put_shown_paused_and_deleted() {
    let world = World::new();
    world.shop(&["migrate"]).done();
    assert_eq!(world.shop(&["schedules", "put", NIGHTLY]).done(), "nightly  created\n");
    assert_eq!(world.shop(&["schedules", "put", NIGHTLY]).done(), "nightly  unchanged\n");
    // Without the code of the workflow.
    let list = world.wfe(&["schedules", "list"]).done();
    assert!(list.contains("nightly") && list.contains("30 2 * * * Europe/Berlin"), "{list}");
    assert!(list.contains("active"), "{list}");
    let shown = world.wfe(&["--tz", "UTC", "schedules", "show", "nightly"]).done();
    assert_eq!(shown.lines().filter(|line| line.starts_with("next ")).count(), 5, "{shown}");
    let paused = world.wfe(&["schedules", "pause", "nightly", "--reason", "holidays"]);
    assert_eq!(paused.done(), "nightly  paused\n");
    assert_eq!(world.wfe(&["schedules", "pause", "nightly"]).done(), "nightly  was paused already\n");
    let json = world.wfe(&["-o", "json", "schedules", "show", "nightly"]).json();
    assert_eq!((&json["status"], &json["reason"]), (&"PAUSED".into(), &"holidays".into()));
    assert_eq!(world.wfe(&["schedules", "resume", "nightly"]).done(), "nightly  resumed\n");
    assert_eq!(world.wfe(&["schedules", "delete", "nightly"]).done(), "nightly  deleted\n");
    assert_eq!(world.wfe(&["schedules", "delete", "nightly"]).done(), "nightly  does not exist\n");
    world.wfe(&["schedules", "show", "nightly"]).fails(3, "there is no schedule `nightly`");
    assert!(world.wfe(&["schedules", "list"]).stderr.contains("there are no schedules"));
}

#[test]
fn a_schedule_is_triggered_and_backfilled() {
    let world = World::new();
    world.shop(&["migrate"]).done();
    world.shop(&["schedules", "put", NIGHTLY]).done();
    world.wfe(&["schedules", "trigger", "nightly"]).fails(3, "ordering");
    let run = world.shop(&["schedules", "trigger", "nightly", "--key", "click-7"]).done();
    assert_eq!(world.shop(&["schedules", "trigger", "nightly", "--key", "click-7"]).done(), run);
    let runs = world.wfe(&["runs", "list", "--filter", "tag:schedule=nightly"]);
    assert!(runs.done().contains(run.trim()));
    let backfill = |more: &[&str]| {
        let days = [
            "schedules",
            "backfill",
            "nightly",
            "--from",
            "2025-10-25T00:00:00Z",
            "--to",
            "2025-10-27T00:00:00Z",
        ];
        world.shop(&[&["--tz", "UTC"], &days[..], more].concat()).done()
    };
    let preview = backfill(&["--preview"]);
    assert_eq!(preview.matches("would start").count(), 2, "{preview}");
    assert!(preview.contains("2025-10-26 00:30:00"), "{preview}");
    assert_eq!(backfill(&[]).matches("started").count(), 2);
    assert_eq!(backfill(&[]).matches("has a run").count(), 2);
    world.shop(&["schedules", "put", "{}"]).fails(2, "the schedule has no `id`");
}
