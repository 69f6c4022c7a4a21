//! Processes with few file descriptors. Each test is a child process, because the limit is one of the process.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::future::join_all;
use workflow_engine::ports::Persistence;
use workflow_engine::prelude::*;
use workflow_engine::stores::SqliteStore;
use workflow_engine::{Engine, ErrorCode};

/// Names the database to a child.
const FILE: &str = "DESCRIPTORS_TEST_FILE";

/// Far above what a busy machine needs.
const LIMIT: Duration = Duration::from_secs(120);

#[stage(check = printed, poll_every = "20ms", give_up_after = "1h", retry(max_attempts = 1))]
async fn order(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[check]
async fn printed(number: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Ready(*number))
}

#[stage(retry(max_attempts = 1))]
async fn pack(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { printing = order >> pack }

/// Runs the test `child` of this program in a process that may have `limit` open files.
fn run_child(child: &str, limit: u32) {
    run_children(child, limit, 1);
}

/// Runs the test `child` of this program in `count` processes, each of which may have `limit` open files. They share a
/// database.
fn run_children(child: &str, limit: u32, count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
    let spawn = |_| {
        Command::new("sh")
            .args([
                "-c",
                &script,
                program.to_str().unwrap(),
                "--exact",
                &format!("descriptors::{child}"),
                "--nocapture",
            ])
            .arg("--test-threads=1")
            .env(FILE, folder.path().join("store.db"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..count).map(spawn).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("1 passed"), "a limit of {limit}: {text}");
    }
}

/// Takes every free descriptor of the process.
fn take_all_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[test]
fn waiting_stages_continue_in_a_process_without_free_descriptors() {
    run_child("continue_without_descriptors", 256);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn continue_without_descriptors() {
    let Ok(file) = std::env::var(FILE) else { return };
    let engine = Engine::builder(&file).register::<printing>().build().await.unwrap();
    let taken = take_all_descriptors();
    assert!(!taken.is_empty());
    let mut runs = Vec::new();
    for number in 0..60 {
        runs.push(engine.start::<printing>(OrderInput { number }).await.unwrap());
    }
    let outputs = join_all(runs.iter().map(RunHandle::output)).await;
    for (number, output) in outputs.into_iter().enumerate() {
        assert_eq!(output.unwrap() as usize, number);
    }
    engine.shutdown().await;
}

/// At each limit, three processes either are refused by name, or do their work to its end.
#[test]
fn six_waiting_stages_complete_in_every_process_whose_engine_is_built() {
    for limit in (28..=64).step_by(4) {
        run_children("complete_or_refuse", limit, 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn complete_or_refuse() {
    let Ok(file) = std::env::var(FILE) else { return };
    let engine = match Engine::builder(&file).register::<printing>().build().await {
        Ok(engine) => engine,
        Err(error) => return assert_eq!(error.code(), ErrorCode::DescriptorsExhausted, "{error}"),
    };
    let _taken = take_all_descriptors();
    let mut runs = Vec::new();
    for number in 0..6 {
        runs.push(engine.start::<printing>(OrderInput { number }).await.unwrap());
    }
    // A stage of this process may be checked by another one, and the other way round.
    let outputs = join_all(runs.iter().map(RunHandle::output));
    let outputs = tokio::time::timeout(LIMIT, outputs).await.expect("no stage stays under a lease");
    for (number, output) in outputs.into_iter().enumerate() {
        assert_eq!(output.unwrap() as usize, number);
    }
    engine.shutdown().await;
}

#[test]
fn an_engine_is_not_built_in_a_process_with_too_few_descriptors() {
    for limit in [16, 20, 24, 28, 32] {
        run_child("build_with_few_descriptors", limit);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn build_with_few_descriptors() {
    let Ok(file) = std::env::var(FILE) else { return };
    let error = Engine::builder(&file).register::<printing>().build().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DescriptorsExhausted, "{error}");
    assert!(error.is_retryable());
    assert!(error.to_string().contains("ulimit"), "{error}");
}

#[test]
fn a_store_that_cannot_be_opened_for_lack_of_descriptors_says_so() {
    run_child("open_without_descriptors", 64);
}

#[tokio::test]
async fn open_without_descriptors() {
    let Ok(file) = std::env::var(FILE) else { return };
    SqliteStore::open(&file).await.unwrap().close().await;
    let _taken = take_all_descriptors();
    let error = SqliteStore::open(&file).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DescriptorsExhausted, "{error}");
    assert!(error.to_string().contains(&file), "{error}");
}
