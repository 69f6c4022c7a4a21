//! Processes with few file descriptors. Each test is a child process, because the limit is one of the process.

use std::fs::File;
use std::process::Command;

use futures_util::future::join_all;
use workflow_engine::ports::Persistence;
use workflow_engine::prelude::*;
use workflow_engine::stores::SqliteStore;
use workflow_engine::{Engine, ErrorCode};

/// Names the database to a child.
const FILE: &str = "DESCRIPTORS_TEST_FILE";

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
    let folder = tempfile::tempdir().unwrap();
    let program = std::env::current_exe().unwrap();
    let script = format!("ulimit -n {limit}; exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script, program.to_str().unwrap(), "--exact", child, "--nocapture", "--test-threads=1"])
        .env(FILE, folder.path().join("store.db"))
        .output()
        .unwrap();
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
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
