//! Steering runs: one by its id, or all that match.

use crate::world::{NOTHING, TEA, World};

#[test]
fn a_run_is_cancelled_with_a_reason() {
    let world = World::new();
    let run = world.started("stirring", r#"{"pot":1}"#, &[]);
    let dry = world.wfe(&["runs", "cancel", &run, "--dry-run"]).done();
    assert_eq!(dry, format!("{run}  would be cancelled\n"));
    assert_eq!(
        world.wfe(&["runs", "cancel", &run, "--reason", "too hot"]).done(),
        format!("{run}  cancelled\n")
    );
    let shown = world.wfe(&["runs", "show", &run]).done();
    assert!(shown.contains("CANCELLED") && shown.contains("too hot"), "{shown}");
    world.wfe(&["runs", "cancel", &run]).fails(4, "has ended already");
}

#[test]
fn what_was_previewed_is_what_is_cancelled() {
    let world = World::new();
    let acme: Vec<String> =
        (0..3).map(|_| world.started("stirring", r#"{"pot":1}"#, &["--tag", "customer=acme"])).collect();
    let other = world.started("stirring", r#"{"pot":2}"#, &["--tag", "customer=other"]);
    let filter = ["runs", "cancel", "--filter", "tag:customer=acme"];
    let preview = world.wfe(&[&filter[..], &["--dry-run", "-o", "json"]].concat()).json();
    assert_eq!(preview["count"], 3);
    // Without a terminal there is no one to ask.
    let refused = world.wfe(&filter);
    refused.fails(2, "Cancel 3 runs? There is no terminal to ask on");
    assert!(refused.stderr.contains("--yes"), "{refused:#?}");
    let done = world.wfe(&[&filter[..], &["--yes", "-o", "ndjson"]].concat());
    assert!(done.stderr.contains("3 done, 0 skipped, 0 refused"), "{done:#?}");
    for run in &acme {
        assert!(done.stdout.contains(&format!(r#""run_id":"{run}""#)), "{done:#?}");
    }
    assert_eq!(world.wfe(&["runs", "list", "--status", "open", "--count"]).done(), "1\n");
    assert!(world.wfe(&["runs", "list", "--status", "open"]).done().contains(&other));
    // All of them have ended, so the filter finds none.
    assert!(world.wfe(&[&filter[..], &["--yes"]].concat()).stderr.contains("no run matches"));
}

#[test]
fn failed_runs_are_rerun_together() {
    let world = World::new();
    let failed = [world.executed(NOTHING, &[]), world.executed(NOTHING, &[])];
    world.executed(TEA, &[]);
    let done = world.wfe(&["--yes", "runs", "rerun", "--filter", "workflow:ordering"]);
    assert!(done.stderr.contains("2 done, 0 skipped, 0 refused"), "{done:#?}");
    for run in &failed {
        assert_eq!(world.wfe(&["-o", "json", "runs", "show", run]).json()["run"]["generation"], 2);
    }
    // A stage that its workflow does not have is refused for each run.
    let failed = world.executed(NOTHING, &[]);
    let refused = world.wfe(&["--yes", "runs", "rerun", "--filter", "status:failed", "--from", "ship"]);
    refused.fails(4, "0 done, 0 skipped, ");
    assert!(
        refused.stdout.contains(&failed) && refused.stdout.contains("ANCESTOR_NOT_COMPLETED"),
        "{refused:#?}"
    );
}

#[test]
fn a_waiting_stage_is_woken() {
    let world = World::new();
    let reply = world.folder.path().join("reply.txt");
    let input = serde_json::json!({ "file": reply }).to_string();
    let run = world.started("asking", &input, &[]);
    world.wfe(&["runs", "wake", &run]).fails(4, "no stage of run");
    let mut worker = crate::programs::start(world.shop_command(&["worker"]));
    // The stage asks, and waits for an hour.
    while world.wfe(&["-o", "json", "runs", "show", &run]).json()["run"]["suspended_stages"] != 1 {}
    std::fs::write(&reply, "yes").unwrap();
    assert_eq!(world.wfe(&["runs", "wake", &run]).done(), format!("{run}  ask is checked now\n"));
    assert_eq!(world.wfe(&["runs", "output", &run, "--wait"]).done(), "\"yes\"\n");
    crate::programs::signal(&worker, "TERM");
    assert!(worker.wait().unwrap().success());
}

#[test]
fn a_run_is_annotated_and_its_budget_is_raised() {
    let world = World::new();
    let run = world.started("stirring", r#"{"pot":1}"#, &["--budget", "0.50 USD"]);
    let set = [
        "runs",
        "annotate",
        &run,
        "--set",
        "review.outcome=approved",
        "--set",
        "review.score=7",
        "--actor",
        "ada",
    ];
    assert_eq!(world.wfe(&set).done(), format!("{run}  2 attributes attached\n"));
    let listed = world.wfe(&["-o", "json", "runs", "annotate", &run]).json();
    assert_eq!(listed["items"][0]["value"], "approved");
    assert_eq!(listed["items"][1]["value"], 7);
    assert_eq!(listed["items"][1]["actor"], "ada");

    let raised = world.wfe(&["runs", "budget", &run, "--to", "1 USD"]).done();
    assert_eq!(raised, format!("{run}  budget is 1.00 USD, stages that continue: 0\n"));
    assert_eq!(world.wfe(&["-o", "json", "runs", "show", &run]).json()["run"]["costs"]["budget"], "1.00 USD");
    world.wfe(&["runs", "budget", &run, "--to", "0.10 USD"]).fails(4, "BUDGET_TOO_LOW");
}

#[test]
fn old_runs_are_deleted() {
    let world = World::new();
    let (old, open) = (world.executed(TEA, &[]), world.started("stirring", r#"{"pot":1}"#, &[]));
    world.wfe(&["gc", "--older-than", "0s"]).fails(2, "There is no terminal to ask on");
    assert!(world.wfe(&["--yes", "gc", "--older-than", "1h"]).stderr.contains("0 runs are deleted"));
    let deleted = world.wfe(&["--yes", "gc", "--older-than", "0s", "-o", "json"]).json();
    assert_eq!(deleted["runs"], serde_json::json!([old]));
    world.wfe(&["runs", "show", &old]).fails(3, "RUN_NOT_FOUND");
    world.wfe(&["runs", "show", &open]).done();
}
