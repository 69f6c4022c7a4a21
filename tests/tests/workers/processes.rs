//! Several processes on one SQLite file.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tests::diamond::{FirstInput, diamond};
use workflow_engine::prelude::*;

#[tokio::test]
async fn two_processes_share_the_work_and_a_third_receives_the_results() {
    let folder = tempfile::tempdir().unwrap();
    let (database, ledger) = (folder.path().join("runs.db"), folder.path().join("ledger.txt"));
    let engine = Engine::builder(database.to_str().unwrap())
        .register::<diamond>()
        .without_worker()
        .build()
        .await
        .unwrap();
    let mut runs = Vec::new();
    for number in 0..100 {
        let ledger = ledger.to_str().unwrap().to_owned();
        runs.push(engine.start::<diamond>(FirstInput { ledger, number }).await.unwrap());
    }
    let mut workers = [start_worker(&database), start_worker(&database)];
    // This process executes nothing: it notices the end of each run by the commits of the others.
    for (number, run) in (0..).zip(&runs) {
        assert_eq!(run.output().await.unwrap(), 3 * number + 1);
    }
    for worker in &mut workers {
        assert!(worker.wait().unwrap().success());
    }
    let ledger = std::fs::read_to_string(ledger).unwrap();
    assert_eq!(ledger.lines().count(), 400, "each body ran once");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_run_that_another_process_cancels_stops_here() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("runs.db");
    let open = async || Engine::builder(database.to_str().unwrap()).register::<patience>();
    let worker = open().await.build().await.unwrap();
    let run = worker.start::<patience>(PatientInput { number: 1 }).await.unwrap();
    tests::signal::wait(run.id(), "begun").await;

    // A separate store, as in another process.
    let other = open().await.without_worker().build().await.unwrap();
    assert!(other.run_handle::<patience>(run.id()).await.unwrap().cancel("enough").await.unwrap());
    // The body is notified through its token, long before its lease would expire.
    tests::signal::wait(run.id(), "stopped").await;
    assert!(run.output().await.unwrap_err().is_run_cancelled());
    worker.shutdown().await;
    other.shutdown().await;
}

/// Waits until it is cancelled.
#[stage]
async fn patient(number: u32, ctx: &StageContext) -> StageResult<u32> {
    let (run, token) = (ctx.run_id(), ctx.cancellation().clone());
    // The body itself is dropped at its next await; a task that it has spawned can still clean up.
    tokio::spawn(async move {
        token.cancelled().await;
        tests::signal::give(run, "stopped");
    });
    tests::signal::give(run, "begun");
    std::future::pending::<()>().await;
    Ok(number)
}

workflow! { patience = patient }

fn start_worker(database: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_diamond_worker")).arg(database).stdout(Stdio::null()).spawn().unwrap()
}
