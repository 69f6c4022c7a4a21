//! `wfe` on the store of a program that is not there.

use std::fs;

use crate::programs::{run, signal, start, wfe};
use crate::world::{NOTHING, TEA, World};

#[test]
fn the_graph_of_a_workflow_is_in_the_store() {
    let world = World::new();
    world.executed(TEA, &[]);
    let text = world.wfe(&["workflows", "graph", "ordering"]).done();
    assert_eq!(
        text,
        "  1  price\n  2  reserve  after price\n     invoice  after price\n  3  ship  after reserve, invoice\n"
    );
    let mermaid = world.wfe(&["workflows", "graph", "ordering", "--format", "mermaid"]).done();
    assert!(mermaid.starts_with("flowchart TD\n    s1[\"Price\"]\n"), "{mermaid}");
    let dot = world.wfe(&["workflows", "graph", "ordering", "--format", "dot"]).done();
    assert!(dot.contains("\"price\" -> \"reserve\";"), "{dot}");
    let shown = world.wfe(&["workflows", "show", "ordering"]).done();
    assert!(
        shown.contains("article: string, number: integer") && shown.contains("Takes an order"),
        "{shown}"
    );
    let listed = world.wfe(&["workflows", "list", "-o", "json"]).json();
    let ids: Vec<&str> =
        listed["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["asking", "ordering", "refunding", "stirring", "stocking"]);
    world.wfe(&["workflows", "show", "unknown"]).fails(3, "there is no workflow `unknown`");
}

#[test]
fn a_failed_run_is_rerun_and_a_worker_of_the_program_continues_it() {
    let world = World::new();
    let failed = world.executed(NOTHING, &[]);
    let plan = world.wfe(&["runs", "rerun", &failed, "--dry-run"]).done();
    assert_eq!(plan, format!("{failed}  generation 2 would run again: price, reserve, invoice, ship\n"));
    let rerun = world.wfe(&["-o", "json", "runs", "rerun", &failed]).json();
    assert_eq!(rerun["generation"], 2);
    // It waits for a worker that has the code, and says so.
    let shown = world.wfe(&["runs", "show", &failed]).done();
    assert!(shown.contains("RUNNING") && shown.contains("WORKFLOW_NOT_FOUND"), "{shown}");
    let mut worker = start(world.shop_command(&["worker"]));
    world.wfe(&["runs", "watch", &failed]).fails(1, "there is no article `nothing`");
    signal(&worker, "TERM");
    assert!(worker.wait().unwrap().success());
}

#[test]
fn a_run_is_forked_against_the_definition_in_the_store() {
    let world = World::new();
    let (failed, good) = (world.executed(NOTHING, &[]), world.executed(TEA, &[]));
    let fork = |run: &str, more: &[&str]| world.wfe(&[&["-o", "json", "runs", "fork", run], more].concat());
    fork(&failed, &["--from", "price", "--input", r#"{"article":7,"number":1}"#]).fails(2, "INVALID_INPUT");
    fork(&failed, &["--from", "ship"]).fails(4, "ANCESTOR_NOT_COMPLETED");
    fork(&good, &["--from", "ship", "--set-output", "invoice=7"]).fails(2, "is not of its type");
    fork(&good, &["--from", "ship", "--config", r#"{"shop":{}}"#]).fails(2, "it has no stage `shop`");
    fork(&good, &["--from", "ship", "--config", "{}", "--dry-run"]).done();
    let restarted = fork(&failed, &["--from", "price", "--input", TEA]).json();
    let edited = fork(&good, &["--from", "ship", "--set-output", "invoice=\"paid\""]).json();
    assert_eq!(edited["taken_over"], serde_json::json!(["price", "reserve", "invoice"]));
    let mut worker = start(world.shop_command(&["worker"]));
    for (forked, output) in [(restarted, "\"6 EUR, the shop\"\n"), (edited, "\"paid\"\n")] {
        let id = forked["run_id"].as_str().unwrap();
        assert_eq!(world.wfe(&["runs", "output", id, "--wait"]).done(), output);
    }
    signal(&worker, "TERM");
    assert!(worker.wait().unwrap().success());
}

#[test]
fn the_attempts_of_a_run_are_shown_over_time() {
    let world = World::new();
    let failed = world.executed(NOTHING, &[]);
    let timeline = world.wfe(&["runs", "timeline", &failed, "-o", "json"]).json();
    let first = &timeline["stages"][0];
    assert_eq!((&first["stage_id"], &first["attempts"][0]["outcome"]), (&"price".into(), &"failed".into()));
    let table = world.wfe(&["--tz", "utc", "runs", "timeline", &failed]).done();
    assert!(table.contains("STARTED (UTC)") && table.contains("there is no article `nothing`"), "{table}");
}

#[test]
fn the_output_of_a_run_and_of_a_stage_is_printed_as_it_is_stored() {
    let world = World::new();
    let done = world.executed(TEA, &[]);
    assert_eq!(world.wfe(&["runs", "output", &done]).done(), "\"6 EUR, the shop\"\n");
    assert_eq!(world.wfe(&["runs", "output", &done, "--stage", "price"]).done(), "6\n");
    world.wfe(&["runs", "output", &done, "--stage", "unknown"]).fails(3, "has no output");
}

#[test]
fn a_store_is_neither_created_nor_migrated() {
    let world = World::new();
    world.wfe(&["runs", "list"]).fails(3, "shop.db` does not exist");
    assert!(!world.db().exists(), "the file was created");
    // A file of another program.
    fs::write(world.db(), "").unwrap();
    world.wfe(&["runs", "list"]).fails(4, "it has no tables of the engine");
    world.wfe(&["migrate", "--check"]).fails(4, "SCHEMA_OUTDATED");
    world.wfe(&["migrate"]).done();
    world.wfe(&["migrate", "--check"]).done();
    assert_eq!(world.wfe(&["runs", "list", "-o", "json"]).json()["items"], serde_json::json!([]));
    let mut memory = wfe();
    memory.args(["--db", "memory:", "runs", "list"]);
    run(memory).fails(2, "a store in memory");
}
