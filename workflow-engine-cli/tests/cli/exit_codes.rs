//! The exit codes, each by one command.

use std::io::Read;

use crate::programs::{run, shop, signal, start, wfe};
use crate::world::{NOTHING, TEA, World};

#[test]
fn the_end_of_a_run_decides_the_exit_code() {
    let world = World::new();
    assert_eq!(
        world.shop(&["start", "ordering", "--input", TEA, "--wait", "--worker"]).done(),
        "\"6 EUR, the shop\"\n"
    );
    let failed = world.shop(&["start", "ordering", "--input", NOTHING, "--wait", "--worker"]);
    failed.fails(1, "there is no article `nothing`");
    assert_eq!(failed.stdout, "");
    let run = world.started("stirring", r#"{"pot":1}"#, &[]);
    world.wfe(&["runs", "cancel", &run]).done();
    for command in ["watch", "output"] {
        world.wfe(&["runs", command, &run]).fails(7, "was cancelled");
    }
}

#[test]
fn a_wrong_command_line_is_2() {
    let world = World::new();
    world.started("stirring", r#"{"pot":1}"#, &[]);
    world.wfe(&["runs", "lists"]).fails(2, "list");
    world.wfe(&["runs", "show", "7"]).fails(2, "RUN");
    world.wfe(&["runs", "cancel"]).fails(2, "no run is selected");
    world.wfe(&["runs", "list", "--status", "broken"]).fails(2, "is not a status");
    world.shop(&["start", "ordering", "--input", "{"]).fails(2, "is not JSON");
    world.shop(&["start", "ordering", "--input", r#"{"article":"tea"}"#]).fails(2, "INVALID_INPUT");
    let mut without_store = wfe();
    without_store.args(["runs", "list"]);
    run(without_store).fails(2, "WORKFLOW_ENGINE_DB");
    let mut unknown_kind = wfe();
    unknown_kind.args(["--db", "mysql://host/db", "runs", "list"]);
    run(unknown_kind).fails(2, "UNSUPPORTED_STORE");
}

#[test]
fn what_does_not_exist_is_3() {
    let world = World::new();
    world.started("stirring", r#"{"pot":1}"#, &[]);
    let missing = "01890000-0000-7000-8000-000000000000";
    for command in
        [["runs", "show"], ["runs", "watch"], ["runs", "logs"], ["runs", "cancel"], ["runs", "rerun"]]
    {
        world.wfe(&[&command[..], &[missing]].concat()).fails(3, "RUN_NOT_FOUND");
    }
    world.shop(&["start", "unknown"]).fails(3, "WORKFLOW_NOT_FOUND");
}

#[test]
fn a_state_that_does_not_allow_the_command_is_4() {
    let world = World::new();
    let open = world.started("stirring", r#"{"pot":1}"#, &["--key", "k"]);
    world.wfe(&["runs", "output", &open]).fails(4, "has no output yet");
    world.wfe(&["runs", "rerun", &open, "--from", "stir"]).fails(4, "RUN_NOT_TERMINAL");
    world
        .shop(&["start", "stirring", "--input", r#"{"pot":2}"#, "--key", "k"])
        .fails(4, "IDEMPOTENCY_CONFLICT");
    let same = world.shop(&["start", "stirring", "--input", r#"{"pot":1}"#, "--key", "k"]).done();
    assert_eq!(same.trim(), open);
}

#[test]
fn a_store_that_cannot_be_reached_is_5() {
    let mut unreachable = wfe();
    unreachable.args(["--db", "postgres://user@127.0.0.1:1/missing", "runs", "list"]);
    run(unreachable).fails(5, "STORE_UNAVAILABLE");
}

#[test]
fn a_damaged_store_is_70() {
    let world = World::new();
    std::fs::write(world.db(), "this is no database, but a text of some length ".repeat(100)).unwrap();
    world.wfe(&["runs", "list"]).fails(70, "STORE_FAILED");
}

#[test]
fn an_interrupted_command_is_130() {
    let world = World::new();
    let run = world.started("stirring", r#"{"pot":1}"#, &[]);
    let mut follower = start(world.wfe_command(&["runs", "events", &run, "--follow"]));
    let mut first = [0; 1];
    follower.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    signal(&follower, "INT");
    assert_eq!(follower.wait().unwrap().code(), Some(130));
}

#[test]
fn an_error_names_its_code_and_what_to_do_and_is_json_beside_json() {
    let world = World::new();
    world.started("stirring", r#"{"pot":1}"#, &[]);
    let missing = "01890000-0000-7000-8000-000000000000";
    let text = world.wfe(&["runs", "show", missing]);
    let lines: Vec<&str> = text.stderr.lines().collect();
    assert!(lines[0].starts_with("error: ") && lines[0].contains(missing), "{text:#?}");
    assert!(lines[1].starts_with("hint: ") && lines[1].ends_with("(RUN_NOT_FOUND)"), "{text:#?}");
    let json = world.wfe(&["-o", "json", "runs", "show", missing]);
    let error: serde_json::Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!((&error["code"], &error["retryable"]), (&"RUN_NOT_FOUND".into(), &false.into()));
    assert_eq!(json.stdout, "");
}

/// Stops a worker that executes a stage; returns the events of the run.
fn events_of_a_drained_worker() -> String {
    let world = World::new();
    let run = world.started("stirring", r#"{"pot":1}"#, &[]);
    let mut worker =
        start(world.shop_command(&["worker", "--drain-timeout", "0s", "--worker-id", "drained"]));
    while world.wfe(&["-o", "json", "runs", "show", &run]).json()["stages"][0]["status"] != "RUNNING" {}
    signal(&worker, "TERM");
    assert_eq!(worker.wait().unwrap().code(), Some(0));
    world.wfe(&["runs", "events", &run]).done()
}

#[test]
fn a_worker_drains_on_a_signal_and_ends_with_0() {
    // On a busy machine, the time of the worker may end before the commit that returns the stage.
    let mut attempts = Vec::new();
    while attempts.len() < 3 {
        let events = events_of_a_drained_worker();
        // The stage is back in the queue, and its attempt does not count.
        if events.contains("stage:returned") {
            return;
        }
        attempts.push(events);
    }
    panic!("no stage was returned: {attempts:#?}");
}

#[test]
fn help_is_0_and_no_command_is_2() {
    let mut help = shop();
    help.arg("--help");
    let help = run(help).done();
    for expected in ["worker", "start", "runs", "restock", "--shop", "Exit codes"] {
        assert!(help.contains(expected), "`{expected}` is missing:\n{help}");
    }
    let mut nothing = wfe();
    nothing.args([] as [&str; 0]);
    run(nothing).fails(2, "Usage");
}
