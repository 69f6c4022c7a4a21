//! A shutdown ends in time, even if the store does not respond or a body blocks, and reports the jobs that it leaves.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use workflow_engine::ports::{Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::MemoryStore;
use workflow_engine::testing::unavailable;
use workflow_engine::{EngineBuilder, Error};

#[stage]
async fn wait(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "started");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number)
}

workflow! { waiting = wait }

/// The state of the connection to the database.
#[derive(Default)]
struct Outage(AtomicU8);

const REFUSED: u8 = 1;
const SILENT: u8 = 2;

#[async_trait]
impl Interceptor for Outage {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        match self.0.load(Ordering::SeqCst) {
            REFUSED => Err(unavailable(call.method)),
            SILENT => std::future::pending().await,
            _ => Ok(0),
        }
    }
}

const DRAIN: Duration = Duration::from_millis(300);

async fn engine(outage: &Arc<Outage>) -> Engine {
    let clock = Arc::new(SystemClock);
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
    let store: Arc<dyn Store> = Arc::new(Intercepted::new(memory, Arc::clone(outage)));
    let builder = EngineBuilder::with_store(store, clock).register::<waiting>();
    builder.drain_timeout(DRAIN).build().await.unwrap()
}

#[allow(clippy::disallowed_methods, reason = "the bound is in real time")]
fn now() -> Instant {
    Instant::now()
}

#[tokio::test]
async fn a_shutdown_ends_in_time_while_the_database_is_away() {
    for state in [REFUSED, SILENT] {
        let outage = Arc::new(Outage::default());
        let engine = engine(&outage).await;
        let run = engine.start::<waiting>(WaitInput { number: 1 }).await.unwrap();
        signal::wait(run.id(), "started").await;
        outage.0.store(state, Ordering::SeqCst);
        let began = now();
        let report = engine.shutdown().await;
        // It takes the drain timeout plus one second; the rest is for a slow machine.
        assert!(began.elapsed() < DRAIN + Duration::from_secs(5), "{state}: {:?}", began.elapsed());
        let [left] = &report.unreturned[..] else { panic!("{state}: {report:?}") };
        assert_eq!((left.run_id, &*left.stage_key.id), (run.id(), "wait"));
        assert!(!report.is_clean());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_with_a_healthy_database_leaves_nothing() {
    // On a busy machine, a body may not get the processor in the time that a shutdown has.
    let mut reports = Vec::new();
    while reports.len() < 3 {
        let engine = engine(&Arc::default()).await;
        let run = engine.start::<waiting>(WaitInput { number: 1 }).await.unwrap();
        signal::wait(run.id(), "started").await;
        let report = engine.shutdown().await;
        if report.is_clean() {
            return;
        }
        reports.push(report);
    }
    panic!("{reports:?}");
}

#[tokio::test]
async fn sigterm_ends_a_process_whose_body_never_awaits() {
    for flavor in ["multi", "current"] {
        let mut process = Command::new(env!("CARGO_BIN_EXE_blocking_worker"))
            .arg(flavor)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("started"));
        let id = process.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
        let ended = tokio::time::timeout(Duration::from_secs(30), process.wait()).await;
        let status = ended.expect("the process ends by itself").unwrap();
        assert_eq!(status.code(), Some(143), "{flavor}");
    }
}
