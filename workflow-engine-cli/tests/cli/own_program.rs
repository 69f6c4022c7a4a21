//! A program of workflows with this command line: options, commands and state of its own.

use crate::programs::{run, shop};
use crate::world::{TEA, World};

#[test]
fn the_programs_own_option_reaches_its_stages() {
    let world = World::new();
    let output = world.shop(&["--shop", "Ada's", "start", "ordering", "--input", TEA, "--wait", "--worker"]);
    assert_eq!(output.done(), "\"6 EUR, Ada's\"\n");
}

#[test]
fn the_programs_own_command_uses_the_store() {
    let world = World::new();
    let id = world.shop(&["restock", "tea"]).done();
    let listed = world.wfe(&["runs", "list", "--tag", "reason=restock"]).done();
    assert!(listed.contains(id.trim()), "{listed}");
    world.shop(&["restock", ""]).fails(2, "the article has no name");
}

#[test]
fn the_input_may_come_from_a_file_or_from_standard_input() {
    let world = World::new();
    let file = world.folder.path().join("input.json");
    std::fs::write(&file, TEA).unwrap();
    let from_file = world.started("ordering", &format!("@{}", file.display()), &[]);
    assert_eq!(world.wfe(&["runs", "show", &from_file, "--input"]).done().trim(), TEA);
    let mut piped = world.shop_command(&["start", "ordering", "--input", "-"]);
    piped.stdin(std::fs::File::open(&file).unwrap());
    let from_pipe = run(piped).done();
    assert_eq!(world.wfe(&["runs", "show", from_pipe.trim(), "--input"]).done().trim(), TEA);
    world.shop(&["start", "ordering", "--input", "@missing.json"]).fails(2, "`missing.json`");
}

#[test]
fn a_start_that_waits_says_when_no_worker_is_there() {
    let world = World::new();
    let mut waiting =
        crate::programs::start(world.shop_command(&["start", "ordering", "--input", TEA, "--wait"]));
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(waiting.stderr.take().unwrap()));
    let hint = lines.find(|line| line.as_ref().unwrap().contains("no worker has claimed the run yet"));
    assert!(hint.is_some());
    // With a worker it continues.
    let mut worker = crate::programs::start(world.shop_command(&["worker"]));
    assert!(waiting.wait().unwrap().success());
    crate::programs::signal(&worker, "TERM");
    assert!(worker.wait().unwrap().success());
}

#[test]
fn a_store_in_memory_serves_a_run_that_is_waited_for() {
    let mut command = shop();
    command.args(["--db", "memory:", "start", "ordering", "--input", TEA, "--wait", "--worker"]);
    assert_eq!(run(command).done(), "\"6 EUR, the shop\"\n");
}
