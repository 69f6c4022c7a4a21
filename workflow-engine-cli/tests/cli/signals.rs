//! `signal` and `approvals`: what they print, on a store and on a server, and their exit codes.

use std::io::Write;
use std::process::Stdio;

use crate::programs::{run, signal, start, wfe};
use crate::servers::Served;
use crate::world::World;

const YES: &str = r#"{"approved":true}"#;
const NO: &str = r#"{"approved":false,"comment":"too late"}"#;

/// Starts a refund that waits for the owner of the shop, and returns its id.
fn waiting(world: &World) -> String {
    let run = world.started("refunding", r#"{"euros":7}"#, &[]);
    let mut worker = start(world.shop_command(&["worker"]));
    while world.wfe(&["-o", "json", "runs", "show", &run]).json()["stages"][0]["status"] != "SUSPENDED" {}
    signal(&worker, "TERM");
    assert!(worker.wait().unwrap().success());
    run
}

/// Executes due stages until the run has ended, and returns its output.
fn output(world: &World, run: &str) -> String {
    let mut worker = start(world.shop_command(&["worker"]));
    let output = world.wfe(&["runs", "output", run, "--wait"]).done();
    signal(&worker, "TERM");
    assert!(worker.wait().unwrap().success());
    output
}

fn approvals(world: &World) -> Vec<serde_json::Value> {
    world.wfe(&["approvals", "list", "-o", "json"]).json()["items"].as_array().unwrap().clone()
}

#[test]
fn a_signal_ends_the_wait_and_names_its_sender() {
    let world = World::new();
    let run = waiting(&world);
    let sent = world.wfe(&["signal", &run, "propose", YES, "--actor", "ada"]).done();
    assert_eq!(sent, format!("{run}  propose has its signal\n"));
    world.wfe(&["signal", &run, "propose", NO]).fails(4, "`ada` was first");
    assert_eq!(output(&world, &run), "\"paid\"\n");
    let events = world.wfe(&["runs", "events", &run]).done();
    assert!(events.contains("stage:signalled"), "{events}");
    let actions = world.wfe(&["actions", "-o", "json"]).json();
    assert_eq!(actions["items"][0]["action"], "signal", "{actions}");
}

#[test]
fn a_signal_before_the_wait_is_kept() {
    let world = World::new();
    let run = world.started("refunding", r#"{"euros":7}"#, &[]);
    world.wfe(&["signal", &run, "propose", NO]).done();
    assert_eq!(output(&world, &run), "\"too late\"\n");
}

#[test]
fn one_key_signals_once() {
    let world = World::new();
    let run = waiting(&world);
    let send =
        |payload: &str| world.wfe(&["signal", &run, "propose", payload, "--key", "click-7", "-o", "json"]);
    for _ in 0..2 {
        assert_eq!(send(YES).json(), serde_json::json!({ "signalled": true }));
    }
    send(NO).fails(4, "IDEMPOTENCY_CONFLICT");
    assert_eq!(output(&world, &run), "\"paid\"\n");
    assert_eq!(send(YES).json(), serde_json::json!({ "signalled": true }));
}

#[test]
fn the_payload_may_come_from_a_file_or_from_standard_input() {
    let world = World::new();
    let file = world.folder.path().join("decision.json");
    std::fs::write(&file, YES).unwrap();
    let named = world.started("refunding", r#"{"euros":7}"#, &[]);
    world.wfe(&["signal", &named, "propose", &format!("@{}", file.display())]).done();
    let piped = world.started("refunding", r#"{"euros":8}"#, &[]);
    let mut command = world.wfe_command(&["signal", &piped, "propose", "-"]);
    command.stdin(std::fs::File::open(&file).unwrap());
    run(command).done();
}

#[test]
fn what_waits_for_a_person_is_listed_and_answered() {
    let world = World::new();
    let run = waiting(&world);
    let [approval] = &approvals(&world)[..] else { panic!("one stage waits") };
    assert_eq!(approval["run_id"], run.as_str());
    assert_eq!(approval["question"], "May the customer have 7 EUR back?");
    assert_eq!(approval["form"]["properties"]["approved"]["type"], "boolean");
    let id = approval["id"].as_str().unwrap();
    let table = world.wfe(&["--tz", "UTC", "approvals", "list"]).done();
    for expected in [id, "refunding", "DEADLINE (UTC)", "May the customer have 7 EUR back?"] {
        assert!(table.contains(expected), "`{expected}` is missing:\n{table}");
    }
    let line = world.wfe(&["approvals", "list", "-o", "ndjson"]).json();
    assert_eq!(&line, approval);
    let sent = world.wfe(&["approvals", "answer", id, NO, "--actor", "ada"]).done();
    assert_eq!(sent, format!("{run}  propose has its signal\n"));
    let empty = world.wfe(&["approvals", "list"]);
    assert!(empty.stderr.contains("no stage waits for a signal"), "{empty:#?}");
    assert_eq!(approvals(&world), [] as [serde_json::Value; 0]);
    world.wfe(&["approvals", "answer", id, YES]).fails(4, "`ada` was first");
    assert_eq!(output(&world, &run), "\"too late\"\n");
}

#[test]
fn a_wrong_signal_is_2() {
    let world = World::new();
    let run = waiting(&world);
    let id = format!("{run}.propose");
    for send in [["signal", &run, "propose"].as_slice(), &["approvals", "answer", &id]] {
        let with = |payload: &str| world.wfe(&[send, &[payload]].concat());
        with("{").fails(2, "is not JSON");
        with("@missing.json").fails(2, "`missing.json` of `JSON` cannot be read");
        with(r#"{"approved":"yes"}"#).fails(2, "INVALID_SIGNAL");
        with(r#"{"approved":"yes"}"#).fails(2, "`approved`");
        world.wfe(send).fails(2, "JSON");
    }
    world.wfe(&["signal", &run, "pay", YES]).fails(2, "NOT_A_SIGNAL_STAGE");
    world.wfe(&["signal", "7", "propose", YES]).fails(2, "RUN");
    world.wfe(&["approvals", "answer", "7", YES]).fails(2, "is not the id of an approval");
    world.wfe(&["approvals"]).fails(2, "Usage");
    // Nothing has ended the wait.
    assert_eq!(approvals(&world).len(), 1);
}

#[test]
fn a_signal_for_what_does_not_exist_is_3() {
    let world = World::new();
    let run = waiting(&world);
    let missing = "01890000-0000-7000-8000-000000000000";
    world.wfe(&["signal", missing, "propose", YES]).fails(3, "RUN_NOT_FOUND");
    world.wfe(&["signal", &run, "ask", YES]).fails(3, "STAGE_NOT_FOUND");
    world.wfe(&["approvals", "answer", &format!("{missing}.propose"), YES]).fails(3, "RUN_NOT_FOUND");
    world.wfe(&["approvals", "answer", &format!("{run}.ask"), YES]).fails(3, "STAGE_NOT_FOUND");
}

#[test]
fn a_signal_that_comes_too_late_is_4() {
    let world = World::new();
    let (answered, cancelled) = (waiting(&world), waiting(&world));
    world.wfe(&["signal", &answered, "propose", YES]).done();
    world.wfe(&["runs", "cancel", &cancelled]).done();
    for (run, code) in [(&answered, "SIGNAL_TOO_LATE"), (&cancelled, "RUN_OVER")] {
        world.wfe(&["signal", run, "propose", YES]).fails(4, code);
        world.wfe(&["approvals", "answer", &format!("{run}.propose"), YES]).fails(4, code);
    }
}

#[test]
fn a_signal_to_a_store_or_server_that_is_not_there_is_5() {
    let run_id = "01890000-0000-7000-8000-000000000000";
    let id = format!("{run_id}.propose");
    for place in [["--db", "postgres://user@127.0.0.1:1/missing"], ["--server", "http://127.0.0.1:1"]] {
        for arguments in [
            ["signal", run_id, "propose", YES].as_slice(),
            &["approvals", "answer", &id, YES],
            &["approvals", "list"],
        ] {
            let mut command = wfe();
            command.args(place).args(arguments);
            let output = run(command);
            assert_eq!(output.code, 5, "{output:#?}");
        }
    }
}

#[test]
fn a_token_that_may_only_read_sends_no_signal_which_is_6() {
    let world = World::new();
    let run = waiting(&world);
    let tokens = [
        ("reader", "read", "a token that may read, without payloads"),
        ("viewer", "read+payloads", "a token that may read, with payloads"),
    ];
    let served = Served::with_tokens(&world, &tokens);
    let with = |name: &str, arguments: &[&str]| served.wfe_with(&world.folder.path().join(name), arguments);
    let id = format!("{run}.propose");
    for (name, ..) in tokens {
        with(name, &["signal", &run, "propose", YES]).fails(6, "FORBIDDEN");
        with(name, &["approvals", "answer", &id, YES]).fails(6, "FORBIDDEN");
    }
    // A question is a payload.
    with("reader", &["approvals", "list"]).fails(6, "FORBIDDEN");
    let listed = with("viewer", &["approvals", "list"]).done();
    assert!(listed.contains(&id), "{listed}");
}

#[test]
fn a_damaged_store_is_70() {
    let world = World::new();
    std::fs::write(world.db(), "this is no database, but a text of some length ".repeat(100)).unwrap();
    world.wfe(&["approvals", "list"]).fails(70, "STORE_FAILED");
    let run_id = "01890000-0000-7000-8000-000000000000";
    world.wfe(&["signal", run_id, "propose", YES]).fails(70, "STORE_FAILED");
}

#[test]
fn an_interrupt_while_a_command_waits_for_input_is_130() {
    let world = World::new();
    let run = waiting(&world);
    let mut command = world.wfe_command(&["signal", &run, "propose", "-"]);
    command.stdin(Stdio::piped());
    let mut sender = start(command);
    // More than a pipe holds: when the last byte is written, the command is reading.
    let input = sender.stdin.as_mut().unwrap();
    input.write_all(" ".repeat(1 << 18).as_bytes()).unwrap();
    signal(&sender, "INT");
    assert_eq!(sender.wait().unwrap().code(), Some(130));
    assert_eq!(approvals(&world).len(), 1);
}

#[test]
fn a_server_prints_what_its_store_prints() {
    let world = World::new();
    let run = waiting(&world);
    let served = Served::new(&world);
    for format in [&["--tz", "utc"][..], &["-o", "json"], &["-o", "ndjson"]] {
        let arguments = [format, &["approvals", "list"]].concat();
        assert_eq!(served.wfe(&arguments).done(), world.wfe(&arguments).done());
    }
    served.wfe(&["signal", &run, "propose", r#"{"approved":1}"#]).fails(2, "INVALID_SIGNAL");
    served.wfe(&["signal", &run, "pay", YES]).fails(2, "NOT_A_SIGNAL_STAGE");
    let sent = served.wfe(&["signal", &run, "propose", YES]).done();
    assert_eq!(sent, format!("{run}  propose has its signal\n"));
    // Without another name the sender is the token.
    served.wfe(&["approvals", "answer", &format!("{run}.propose"), NO]).fails(4, "`ops` was first");
    assert_eq!(served.wfe(&["runs", "output", &run, "--wait"]).done(), "\"paid\"\n");
    let missing = "01890000-0000-7000-8000-000000000000";
    served.wfe(&["signal", missing, "propose", YES]).fails(3, "RUN_NOT_FOUND");
}
