//! `index add` and `index drop`, and what `doctor` says about indexes.

use tests::postgres;

use crate::programs::{Output, run, wfe};
use crate::servers::Served;
use crate::world::{TEA, World};

/// Returns what `doctor` has found about indexes.
#[track_caller]
fn found(doctor: &Output) -> serde_json::Value {
    let findings: serde_json::Value = serde_json::from_str(&doctor.stdout).unwrap();
    let items = findings["items"].as_array().unwrap();
    items.iter().find(|item| item["check"] == "indexes").unwrap_or_else(|| panic!("{findings}")).clone()
}

/// Adds and drops the index with commands on one store.
fn add_and_drop(command: impl Fn(&[&str]) -> Output) {
    let doctor = || found(&command(&["doctor", "-o", "json"]));
    assert_eq!(doctor()["found"], "no optional one is there");
    assert_eq!(command(&["index", "add", "by-workflow"]).done(), "by-workflow  is added\n");
    assert_eq!(command(&["index", "add", "by-workflow"]).done(), "by-workflow  was there already\n");
    assert_eq!(doctor()["found"], "optional ones: by-workflow");
    let json = command(&["-o", "json", "index", "drop", "by-workflow"]).json();
    assert_eq!(json, serde_json::json!({ "index": "by-workflow", "changed": true }));
    assert_eq!(command(&["index", "drop", "by-workflow"]).done(), "by-workflow  was not there\n");
    assert_eq!(doctor()["advice"], serde_json::Value::Null);
}

#[test]
fn an_index_is_added_and_dropped_on_sqlite() {
    let world = World::new();
    let run = world.executed(TEA, &[]);
    add_and_drop(|arguments| world.wfe(arguments));
    world.wfe(&["index", "add", "by-workflow"]).done();
    assert!(world.wfe(&["runs", "list", "--workflow", "ordering"]).done().contains(&run));
}

#[tokio::test]
async fn an_index_is_added_and_dropped_on_postgres() {
    if !postgres::is_available("an_index_is_added_and_dropped_on_postgres") {
        return;
    }
    let schema = postgres::Schema::new();
    drop(schema.open().await);
    let separator = if schema.url().contains('?') { '&' } else { '?' };
    let db = format!("{}{separator}schema={}", schema.url(), schema.name());
    let command = |arguments: &[&str]| {
        let mut command = wfe();
        command.args(["--db", &db]).args(arguments);
        run(command)
    };
    add_and_drop(command);

    // As a process leaves it that ends while it makes the index.
    command(&["index", "add", "by-workflow"]).done();
    let mut connection = schema.connect().await;
    let index = format!("{}.workflow_runs_by_workflow", schema.name());
    let end_early = format!("UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{index}'::regclass");
    sqlx::raw_sql(sqlx::AssertSqlSafe(end_early)).execute(&mut connection).await.unwrap();
    let problem = found(&command(&["doctor", "-o", "json"]));
    assert!(problem["found"].as_str().unwrap().contains("cannot be used"), "{problem}");
    assert!(problem["advice"].as_str().unwrap().contains("`index add by-workflow`"), "{problem}");
    assert_eq!(command(&["index", "add", "by-workflow"]).done(), "by-workflow  is added\n");
    assert_eq!(found(&command(&["doctor", "-o", "json"]))["found"], "optional ones: by-workflow");
}

#[test]
fn an_unknown_index_and_a_server_are_2() {
    let world = World::new();
    world.executed(TEA, &[]);
    world.wfe(&["index", "add", "by-colour"]).fails(2, "by-workflow");
    world.wfe(&["index"]).fails(2, "Usage");
    let served = Served::new(&world);
    served.wfe(&["index", "add", "by-workflow"]).fails(2, "needs the store itself");
}
