//! Processes that die at one of their writes, and those that go on after them.

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

/// The write at which a process dies, and whether that is before it is written or after.
pub type Death = (usize, bool);

/// A process: it counts its writes, and nothing is answered after its death.
#[derive(Default)]
pub struct Process {
    death: Option<Death>,
    writes: AtomicUsize,
    is_dead: AtomicBool,
}

impl Process {
    /// One that dies so.
    pub fn new(death: Option<Death>) -> Arc<Self> {
        Arc::new(Self { death, ..Self::default() })
    }

    /// How many writes it has begun.
    pub fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn die(&self) -> Error {
        self.is_dead.store(true, Ordering::SeqCst);
        "this process is dead".parse::<RunId>().expect_err("it is none")
    }

    fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Interceptor for Process {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        if self.is_dead() {
            return Err(self.die());
        }
        if !call.writes {
            return Ok(u64::MAX);
        }
        let number = self.writes.fetch_add(1, Ordering::SeqCst);
        if self.death == Some((number, true)) { Err(self.die()) } else { Ok(number as u64) }
    }

    async fn after(&self, call: Call, number: u64) -> Result<(), Error> {
        let dies_now = self.death.is_some_and(|(at, before)| !before && at as u64 == number);
        // What others have written meanwhile is written, and they do not hear of it either.
        if dies_now || (call.writes && self.is_dead()) { Err(self.die()) } else { Ok(()) }
    }
}

/// Runs a workflow with a process that dies so, and another one that takes over. Answers the run, which is over, and how
/// many writes the first process has begun.
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

/// Starts the run, or finds it, and works until it is over, or this process dead.
async fn live<W: Workflow>(
    builder: EngineBuilder,
    world: &World,
    client: &AiClient,
    process: &Process,
    input: W::Input,
    budget: Option<workflow_engine::Cost>,
) -> Option<RunHandle<W>> {
    let builder = builder.register::<W>().ai(client.clone()).without_worker();
    let engine = builder.build().await.expect("the store is there");
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
    let host = engine.serverless(ServerlessSettings::default());
    for _ in 0..200 {
        host.run_maintenance_tick(MaintenanceTick::default()).await;
        let done = host.process_available_jobs(ProcessJobs { max_jobs: 100, concurrency: 16 }).await;
        if process.is_dead() {
            return None;
        }
        done.expect("the store is there");
        if run.status().await.expect("the store is there").is_terminal() {
            return Some(run);
        }
        // Longer than a lease, a retry's wait, or the time between two checks.
        world.clock.advance(Duration::from_secs(20));
    }
    panic!("run {} does not end", run.id());
}
