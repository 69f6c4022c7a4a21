//! Tables and JSON; time zones; files of shells and manuals.

use crate::programs::{run, shop, wfe};
use crate::world::{NOTHING, World};

#[test]
fn nothing_is_cut_in_a_pipe() {
    let world = World::new();
    let run = world.executed(NOTHING, &[]);
    let table = world.wfe(&["runs", "list"]).done();
    let row = table.lines().nth(1).unwrap();
    assert!(row.starts_with(&run) && row.ends_with("there is no article `nothing`"), "{table}");
    assert!(!table.contains('…') && !table.contains('\u{1b}'), "{table}");
}

#[test]
fn json_is_what_the_api_returns() {
    let world = World::new();
    let run = world.started("stirring", r#"{"pot":1}"#, &[]);
    let page = world.wfe(&["-o", "json", "runs", "list"]).json();
    let view: workflow_engine_server::view::RunView =
        serde_json::from_value(page["items"][0].clone()).unwrap();
    assert_eq!(view.id.to_string(), run);
    assert_eq!(page["items"][0]["phase"], "queued");
    let line = world.wfe(&["-o", "ndjson", "runs", "list"]).done();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), page["items"][0]);
    let started = world.shop(&["-o", "json", "start", "stirring", "--input", r#"{"pot":2}"#]).json();
    assert_eq!(started["status"], "PENDING");
}

#[test]
fn instants_are_in_the_zone_that_the_head_names() {
    let world = World::new();
    world.started("stirring", r#"{"pot":1}"#, &[]);
    for zone in ["UTC", "+05:30", "Europe/Berlin"] {
        let table = world.wfe(&["--tz", zone, "runs", "list"]).done();
        assert!(table.contains(&format!("CREATED ({zone})")), "{table}");
    }
    world.wfe(&["--tz", "Nowhere/City", "runs", "list"]).fails(2, "is not a time zone");
}

#[test]
fn the_store_may_be_named_by_the_environment() {
    let world = World::new();
    let run_id = world.started("stirring", r#"{"pot":1}"#, &[]);
    let mut listed = wfe();
    listed.env("WORKFLOW_ENGINE_DB", world.db()).args(["runs", "list"]);
    assert!(run(listed).done().contains(&run_id));
    // Its value may hold a password, so the help text does not show it.
    let mut help = wfe();
    help.env("WORKFLOW_ENGINE_DB", "postgres://user:secret@host/db").args(["runs", "list", "--help"]);
    assert!(!run(help).done().contains("secret"));
}

#[test]
fn shells_complete_and_a_manual_page_is_written() {
    for shell in ["bash", "zsh", "fish"] {
        let mut command = shop();
        command.args(["completions", shell]);
        assert!(run(command).done().contains("restock"), "{shell}");
    }
    let mut page = wfe();
    page.arg("man");
    assert!(run(page).done().contains(".SH SUBCOMMANDS"));
    let folder = tempfile::tempdir().unwrap();
    let mut pages = wfe();
    pages.args(["man", "--folder"]).arg(folder.path());
    run(pages).done();
    assert!(folder.path().join("wfe-runs-list.1").exists());
}

#[test]
fn a_token_is_new_each_time_and_its_hash_fits() {
    let token = || {
        let mut command = wfe();
        command.args(["token", "new", "-o", "json"]);
        run(command).json()
    };
    let (first, second) = (token(), token());
    assert_ne!(first["token"], second["token"]);
    assert_eq!(first["token"].as_str().unwrap().len(), 64);
    assert!(first["hash"].as_str().unwrap().starts_with("sha256:"));
}
