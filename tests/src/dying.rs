//! Simulated processes that die at one of their writes, and the processes that take over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use workflow_engine::ai::AiClient;
use workflow_engine::prelude::*;
use workflow_engine::serverless::{MaintenanceTick, ProcessJobs, ServerlessSettings};
use workflow_engine::{EngineBuilder, Error, RunId};

use crate::intercept::{Call, Intercepted, Interceptor};
use crate::world::World;

/// The 0-based number of the write at which a process dies, and whether it dies before (`true`) or after the write.
pub type Death = (usize, bool);

/// A simulated process. It counts its writes, and every call after its death fails.
#[derive(Default)]
pub struct Process {
    death: Option<Death>,
    writes: AtomicUsize,
    is_dead: AtomicBool,
}

impl Process {
    /// Makes a process that dies at the given write.
    pub fn new(death: Option<Death>) -> Arc<Self> {
        Arc::new(Self { death, ..Self::default() })
    }

    /// Returns the number of writes that the process has started.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn die(&self) -> Error {
        self.is_dead.store(true, Ordering::SeqCst);
        "this process is dead".parse::<RunId>().expect_err("the text is not a run id")
    }

    /// Returns whether the process has died.
    pub fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Interceptor for Process {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        if self.is_dead() {
            return Err(self.die());
        }
        // Its definitions are written before it does anything for a run.
        if !call.writes || call.method == "register_definitions" {
            return Ok(u64::MAX);
        }
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        if self.death == Some((number, true)) { Err(self.die()) } else { Ok(number as u64) }
    }

    async fn after(&self, call: Call, number: u64) -> Result<(), Error> {
        let dies_now = self.death.is_some_and(|(at, before)| !before && at as u64 == number);
        // Concurrent writes of the dead process have been written, but their callers do not receive the result either.
        if dies_now || (call.writes && self.is_dead()) { Err(self.die()) } else { Ok(()) }
    }
}

/// Runs a workflow with a process that dies, and another one that takes over. Returns the terminal run, and the number
/// of writes that the first process has started.
pub async fn outlive<W: Workflow>(
    world: &World,
    client: &AiClient,
    death: Option<Death>,
    input: impl Fn() -> W::Input,
    budget: Option<workflow_engine::Cost>,
) -> (RunHandle<W>, usize) {
    let process = Process::new(death);
    let dying = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&process)));
    let builder = EngineBuilder::with_store(dying, Arc::new(world.clock.clone()));
    let first = live::<W>(builder, world, client, &process, input(), budget).await;
    if let Some(run) = first.filter(|_| !process.is_dead()) {
        return (run, process.writes());
    }
    let successor = Process::new(None);
    let run = live::<W>(world.engine(), world, client, &successor, input(), budget).await;
    (run.expect("nothing kills the second process"), process.writes())
}

/// Starts or finds the run, and works until the run is terminal or this process is dead.
async fn live<W: Workflow>(
    builder: EngineBuilder,
    world: &World,
    client: &AiClient,
    process: &Process,
    input: W::Input,
    budget: Option<workflow_engine::Cost>,
) -> Option<RunHandle<W>> {
    let builder = builder.register::<W>().ai(client.clone()).without_worker();
    let engine = builder.build().await.expect("the store is available");
    let start = engine.start::<W>(input).idempotency_key("outlive");
    let start = match budget {
        Some(budget) => start.budget(budget),
        None => start,
    };
    let run = match start.await {
        Ok(run) => run,
        Err(_) if process.is_dead() => return None,
        Err(error) => panic!("{error}"),
    };
    let host = engine.serverless(ServerlessSettings::default()).expect("valid settings");
    for _ in 0..200 {
        host.run_maintenance_tick(MaintenanceTick::default()).await;
        let done = host.process_available_jobs(ProcessJobs { max_jobs: 100, concurrency: 16 }).await;
        if process.is_dead() {
            return None;
        }
        done.expect("the store is available");
        if run.status().await.expect("the store is available").is_terminal() {
            return Some(run);
        }
        // Longer than a lease, the delay of a retry, or the interval between two checks.
        world.clock.advance(Duration::from_secs(20));
    }
    panic!("run {} does not reach a terminal state", run.id());
}
