//! Every kind of measurement gives a figure: a few runs of each, by the engine and by the floor.
//!
//! The rows of the floor and those that fill the tables are written by hand, so a change of the schema can break them.

use std::process::Command;

use serde_json::Value;

/// The works that the floor does, too.
const SHARED: [&str; 3] = ["w1", "w2", "w3"];

/// Works of the engine alone: one of each kind that does not take long.
const OURS: [&str; 10] = [
    "w4-processes-1",
    "w4-finished-20",
    "w4-suspended-20",
    "w4-delayed-20",
    "delayed-20",
    "lists-300",
    "operate-2",
    "w6-load-heard",
    "reaction-elsewhere",
    "fair-crowd",
];

#[test]
fn each_work_is_measured_on_sqlite() {
    let figures = measure("sqlite");
    assert_complete(&figures);
}

#[test]
fn each_work_is_measured_on_postgres() {
    let figures = measure("postgres");
    if figures["measurements"].as_array().is_some_and(Vec::is_empty) {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "PostgreSQL is not installed");
        eprintln!("each_work_is_measured_on_postgres: skipped, PostgreSQL is not installed");
        return;
    }
    assert_complete(&figures);
}

/// Measures all works on one store, and returns the session's figures.
fn measure(store: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json");
    let output = Command::new(env!("CARGO_BIN_EXE_speed"))
        .current_dir(folder.path())
        .args(["--store", store, "--repeats", "1", "--runs", "5", "--concurrency", "16"])
        .args(["--only", &[&SHARED[..], &OURS].concat().join(",")])
        .args(["--json".as_ref(), file.as_os_str()])
        .env("BENCH_SECONDS", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn assert_complete(figures: &Value) {
    let by_both = SHARED.iter().flat_map(|&work| [("engine", work), ("floor", work)]);
    for (who, work) in by_both.chain(OURS.iter().map(|&work| ("engine", work))) {
        let mut lines = figures["measurements"].as_array().unwrap().iter();
        let line = lines.find(|line| line["who"] == who && line["work"] == work);
        let line = line.unwrap_or_else(|| panic!("no figure of {work} by the {who}: {figures:#}"));
        // What its figures are called depends on the work: runs or milliseconds.
        let figure = ["runs_per_s", "p50_ms", "bytes_per_stage", "to_body_p50_ms", "slowest_p99_ms"]
            .map(|name| line[name].as_f64());
        assert!(figure.into_iter().flatten().any(|figure| figure > 0.0), "{line:#}");
    }
}
