//! `doctor` names each of these ailments, and says what to do.

use std::process::Command;

use tests::postgres;
use workflow_engine::kernel::PurgeRuns;
use workflow_engine::ports::{DeliveryError, Plugin};
use workflow_engine::prelude::*;
use workflow_engine::records::{Event, EventType};

use crate::programs::{Output, run, signal, start, wfe};
use crate::world::{TEA, World};

/// Returns what `doctor` found in one check; the rest must be well, apart from the checks of `also`.
#[track_caller]
fn problem(output: &Output, check: &str, also: &[&str]) -> (String, String) {
    assert_eq!(output.code, 1, "{output:#?}");
    let items: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let items = items["items"].as_array().unwrap().clone();
    let mut others = items
        .iter()
        .filter(|item| item["check"] != check && !also.contains(&item["check"].as_str().unwrap()));
    let other = others.find(|item| !item["advice"].is_null());
    assert!(other.is_none(), "another problem: {other:?}");
    let found = items.iter().find(|item| item["check"] == check).unwrap_or_else(|| panic!("{items:#?}"));
    let text = |key: &str| found[key].as_str().unwrap_or_else(|| panic!("{found:#?}")).to_owned();
    (text("found"), text("advice"))
}

const DOCTOR: [&str; 3] = ["doctor", "-o", "json"];
const IMPATIENT: [&str; 5] = ["doctor", "-o", "json", "--patience", "0s"];

#[test]
fn a_healthy_store_has_no_problem() {
    let world = World::new();
    world.executed(TEA, &[]);
    let output = world.wfe(&["doctor", "--patience", "0s"]);
    assert!(!output.stdout.contains("PROBLEM"), "{output:#?}");
    assert_eq!((output.code, output.stderr.as_str()), (0, ""));
}

#[test]
fn a_store_that_was_never_migrated() {
    let world = World::new();
    std::fs::write(world.db(), "").unwrap();
    let (found, advice) = problem(&world.wfe(&DOCTOR), "schema", &[]);
    assert!(
        found.contains("it has no tables of the engine") && advice.contains("wfe migrate"),
        "{found} {advice}"
    );
}

#[tokio::test]
async fn a_store_of_a_later_version() {
    let world = World::new();
    world.executed(TEA, &[]);
    world.sql("INSERT INTO workflow_migrations SELECT 999, 'later', installed_on, TRUE, checksum, 0 FROM workflow_migrations").await;
    let (found, _) = problem(&world.wfe(&DOCTOR), "schema", &[]);
    assert!(found.contains("999"), "{found}");
}

#[test]
fn a_store_that_loses_commits_with_the_power() {
    let world = World::new();
    world.executed(TEA, &[]);
    let mut command = wfe();
    command.arg("--db").arg(format!("sqlite:{}?synchronous=normal", world.db().display())).args(DOCTOR);
    let (found, _) = problem(&run(command), "durability", &[]);
    assert!(found.contains("synchronous = normal"), "{found}");
}

#[tokio::test]
async fn a_clock_that_has_gone_back() {
    let world = World::new();
    world.executed(TEA, &[]);
    world.sql("UPDATE workflow_runs SET created_at = created_at + 3600000000").await;
    let (found, advice) = problem(&world.wfe(&DOCTOR), "clock", &[]);
    assert!(found.contains("59 min") && advice.contains("NTP"), "{found} {advice}");
}

#[test]
fn work_without_any_worker() {
    let world = World::new();
    world.started("ordering", TEA, &[]);
    let (found, advice) = problem(&world.wfe(&IMPATIENT), "workers", &["definitions"]);
    assert!(found.contains("1 runs have due work") && advice.contains("start a worker"), "{found} {advice}");
    let (found, advice) = problem(&world.wfe(&IMPATIENT), "definitions", &["workers"]);
    assert!(
        found.contains("1 of `ordering` version 1") && advice.contains("register_compatible"),
        "{found} {advice}"
    );
    // A run that has just begun is none yet.
    world.wfe(&["doctor", "--patience", "1h"]).done();
}

#[test]
fn a_worker_that_was_killed() {
    let world = World::new();
    let run = world.started("stirring", r#"{"pot":1}"#, &[]);
    // Long enough that the worker renews its lease on a busy machine too.
    let mut worker = start(world.shop_command(&["worker", "--lease", "2s", "--worker-id", "killed"]));
    while world.wfe(&["-o", "json", "runs", "show", &run]).json()["stages"][0]["status"] != "RUNNING" {}
    signal(&worker, "KILL");
    worker.wait().unwrap();
    let found = loop {
        let output = world.wfe(&IMPATIENT);
        if output.stdout.contains("lost workers") {
            break problem(&output, "leases", &["workers", "definitions"]).0;
        }
    };
    assert!(found.contains("1 stages of lost workers") && found.contains("killed"), "{found}");
}

/// Refuses each event.
struct Refusing;

#[async_trait::async_trait]
impl Plugin for Refusing {
    fn name(&self) -> &'static str {
        "refusing"
    }

    fn event_types(&self) -> &[EventType] {
        EventType::ALL
    }

    async fn handle(&self, _: &Event) -> Result<(), DeliveryError> {
        Err("the mailbox is full".into())
    }
}

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { Doubling = double }

#[tokio::test]
async fn events_that_no_program_takes() {
    let world = World::new();
    let engine = Engine::builder(world.db()).register::<Doubling>().plugin(Refusing).build().await.unwrap();
    let run = engine.start::<Doubling>(DoubleInput { number: 1 }).await.unwrap();
    run.output().await.unwrap();
    engine.shutdown().await;
    // The run cannot be purged meanwhile.
    let engine = Engine::builder(world.db()).without_worker().build().await.unwrap();
    assert_eq!(engine.purge(PurgeRuns::older_than(std::time::Duration::ZERO)).await.unwrap(), []);
    engine.shutdown().await;
    let found = loop {
        let output = world.wfe(&IMPATIENT);
        if output.code == 1 {
            break problem(&output, "events", &["dead-letters"]).0;
        }
    };
    assert!(found.contains("refusing") || found.contains("not passed on"), "{found}");
}

#[tokio::test]
async fn dead_letters() {
    let world = World::new();
    world.executed(TEA, &[]);
    world.sql(
        "INSERT INTO workflow_plugin_deliveries (workflow_run_id, plugin, letter, next_sequence, last_sequence, lease_epoch,
            retry_count, error_message, due_at, due_written_at, dlq_at)
        SELECT id, 'bell', 1, 1, 1, 1, 4, 'the bell is broken', created_at, created_at, created_at FROM workflow_runs",
    )
    .await;
    let (found, advice) = problem(&world.wfe(&DOCTOR), "dead-letters", &[]);
    assert!(
        found.contains("`bell`: the bell is broken") && advice.contains("dead-letters replay"),
        "{found} {advice}"
    );
    let listed = world.wfe(&["dead-letters", "list", "-o", "json"]).json();
    assert_eq!(listed["items"][0]["plugin"], "bell");
    let run = listed["items"][0]["event"]["run_id"].as_str().unwrap();
    let replayed = |more: &[&str]| {
        let command = [&["dead-letters", "replay", "-o", "json"], more].concat();
        world.wfe(&command).json()["replayed"].clone()
    };
    assert_eq!(replayed(&["--run", run, "--event", "2"]), 0, "another event");
    assert_eq!(replayed(&["--run", "01890000-0000-7000-8000-000000000000"]), 0, "another run");
    assert_eq!(replayed(&["--plugin", "bell", "--run", run, "--event", "1"]), 1);
    world.wfe(&["dead-letters", "replay", "--event", "1"]).fails(2, "--run");
}

#[tokio::test]
async fn calls_with_an_unknown_outcome() {
    let world = World::new();
    world.executed(TEA, &[]);
    world.sql(
        "INSERT INTO workflow_ai_calls (id, generation, attempt, lease_epoch, topic, call_type, model_key, model_id, outcome,
            input_tokens, cached_input_tokens, output_tokens, cost, reserved, created_at)
        VALUES ('01890000-0000-7000-8000-000000000000', 0, 0, 0, 't', 'text', 'm', 'm', 'UNKNOWN', 0, 0, 0, 0, 250000000000, 1)",
    )
    .await;
    let (found, advice) = problem(&world.wfe(&DOCTOR), "calls", &[]);
    assert!(found.contains("up to 0.25 USD") && advice.contains("bill of the provider"), "{found} {advice}");
}

#[tokio::test]
async fn a_transaction_that_a_program_has_left_open() {
    if !postgres::is_available("a_transaction_that_a_program_has_left_open") {
        return;
    }
    let schema = postgres::Schema::new();
    drop(schema.open().await);
    let mut connection = schema.connect().await;
    sqlx::query("BEGIN").execute(&mut connection).await.unwrap();
    sqlx::query("SELECT count(*) FROM pg_class").execute(&mut connection).await.unwrap();
    let doctor = || {
        let mut command: Command = wfe();
        let separator = if schema.url().contains('?') { '&' } else { '?' };
        command
            .args(["--db", &format!("{}{separator}schema={}", schema.url(), schema.name())])
            .args(IMPATIENT);
        run(command)
    };
    let (found, advice) = loop {
        let output = doctor();
        assert!(output.code <= 1, "{output:#?}");
        if output.stdout.contains("open for long; the oldest") {
            break problem(&output, "transactions", &["durability"]);
        }
    };
    assert!(
        found.contains("idle in transaction") && advice.contains("pg_terminate_backend"),
        "{found} {advice}"
    );
}
