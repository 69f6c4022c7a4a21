//! Zero and absurd settings are refused by name.

use std::time::Duration;

use workflow_engine::prelude::*;
use workflow_engine::serverless::{ProcessJobs, ServerlessSettings};
use workflow_engine::stores::{PostgresOptions, PostgresStore, SqliteOptions};
use workflow_engine::{EngineBuilder, Error, ErrorCode};

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { doubling = double }

fn assert_names(error: &Error, setting: &str) {
    assert_eq!(error.code(), ErrorCode::InvalidSetting, "{setting}");
    assert!(error.is_invalid_input());
    let text = error.to_string();
    assert!(text.starts_with(&format!("the setting `{setting}` is ")), "{text}");
    assert!(text.contains("but must "), "{text}");
}

#[tokio::test]
async fn a_setting_that_is_out_of_its_range_is_an_error_of_build() {
    type Change = fn(EngineBuilder) -> EngineBuilder;
    let cases: [(&str, Change); 17] = [
        ("lease", |builder| builder.lease(Duration::MAX)),
        ("lease", |builder| builder.lease(Duration::ZERO)),
        ("concurrency", |builder| builder.concurrency(0)),
        ("concurrency", |builder| builder.concurrency(usize::MAX)),
        ("worker_id", |builder| builder.worker_id("")),
        ("worker_id", |builder| builder.worker_id("a\nb")),
        ("worker_id", |builder| builder.worker_id("x".repeat(256))),
        ("stuck_threshold", |builder| builder.stuck_threshold(Duration::ZERO)),
        ("stuck_threshold", |builder| builder.stuck_threshold(Duration::MAX)),
        ("unclaimed_timeout", |builder| builder.unclaimed_timeout(Duration::ZERO)),
        ("unclaimed_timeout", |builder| builder.unclaimed_timeout(Duration::MAX)),
        ("drain_timeout", |builder| builder.drain_timeout(Duration::MAX)),
        ("retention", |builder| builder.retention(Duration::ZERO)),
        ("retention", |builder| builder.retention(Duration::MAX)),
        ("payload_limit", |builder| builder.payload_limit(0)),
        ("payload_limit", |builder| builder.payload_limit(usize::MAX)),
        ("inline_limit", |builder| builder.inline_limit(usize::MAX)),
    ];
    for (setting, change) in cases {
        let build = |builder: EngineBuilder| change(builder.register::<doubling>()).build();
        assert_names(&build(Engine::builder("memory:")).await.unwrap_err(), setting);
        // Also of a worker that is switched off, before or after.
        assert_names(&build(Engine::builder("memory:").without_worker()).await.unwrap_err(), setting);
        let off = change(Engine::builder("memory:")).without_worker().build();
        assert_names(&off.await.unwrap_err(), setting);
    }
}

#[tokio::test]
async fn the_limits_of_a_range_work() {
    for (lease, concurrency) in
        [(Duration::from_millis(100), 1), (Duration::from_secs(365 * 86_400), 1_000_000)]
    {
        let builder = Engine::builder("memory:").register::<doubling>().lease(lease).concurrency(concurrency);
        let engine = builder.drain_timeout(Duration::from_secs(30 * 86_400)).build().await.unwrap();
        let run = engine.start::<doubling>(DoubleInput { number: 21 }).await.unwrap();
        assert_eq!(run.output().await.unwrap(), 42);
        engine.shutdown().await;
    }
}

#[tokio::test]
async fn a_setting_of_a_serverless_host_is_refused() {
    let engine = Engine::builder("memory:").register::<doubling>().without_worker().build().await.unwrap();
    for limit in [Duration::ZERO, Duration::MAX] {
        let refused = engine.serverless(ServerlessSettings::default().time_limit(limit));
        assert_names(&refused.unwrap_err(), "time_limit");
    }
    let unnamed = engine.serverless(ServerlessSettings::default().worker_id(""));
    assert_names(&unnamed.unwrap_err(), "worker_id");
    let host = engine.serverless(ServerlessSettings::default()).unwrap();
    for concurrency in [0, usize::MAX] {
        let jobs = ProcessJobs { concurrency, ..ProcessJobs::default() };
        assert_names(&host.process_available_jobs(jobs).await.unwrap_err(), "concurrency");
    }
}

#[tokio::test]
async fn an_option_of_a_store_is_refused_before_the_store_is_opened() {
    type Change = fn(&mut PostgresOptions);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db");
    for timeout in [Duration::ZERO, Duration::MAX] {
        let mut options = SqliteOptions::new(path.to_str().unwrap());
        options.busy_timeout = timeout;
        assert_names(&Engine::builder(options).build().await.unwrap_err(), "busy_timeout");
        assert!(!path.exists());
    }
    let cases: [(&str, Change); 4] = [
        ("connections", |options| options.connections = 0),
        ("connections", |options| options.connections = u32::MAX),
        ("transaction_timeout", |options| options.transaction_timeout = Duration::ZERO),
        ("transaction_timeout", |options| options.transaction_timeout = Duration::MAX),
    ];
    for (setting, change) in cases {
        let mut options = PostgresOptions::new("postgres://user@host.invalid/none");
        change(&mut options);
        assert_names(&PostgresStore::open(options).await.unwrap_err(), setting);
    }
}
