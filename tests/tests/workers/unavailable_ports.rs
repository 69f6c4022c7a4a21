//! Ports that refuse for a moment, or for long: no attempt is lost, and the run names the cause.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{ClaimPendingRuns, JobOutcome};
use workflow_engine::ports::{BlobStore, Clock};
use workflow_engine::prelude::*;
use workflow_engine::records::{BlobKey, Claimant, ClaimedJob};
use workflow_engine::testing::{InMemoryBlobStore, execute_job, unavailable};
use workflow_engine::{Check, EngineBuilder, Error, Json};

const LEASE: Duration = Duration::from_secs(15);
/// Longer than an attempt waits for a port.
const OUTAGE: Duration = Duration::from_secs(61);

/// Produces an output and an artifact that are stored as blobs.
#[stage(retry(max_attempts = 1))]
async fn produce(number: u32, ctx: &StageContext) -> StageResult<(u32, String)> {
    ctx.put_artifact("kept", &"an artifact that is too long to be inline")?;
    ctx.log(workflow_engine::LogLevel::Info, "produced", ());
    Ok((number, "an output that is too long to be inline".to_owned()))
}

#[stage(require(produce), check = arrived, poll_every = "1s", give_up_after = "1h", retry(max_attempts = 1))]
async fn request(produced: (u32, String), ctx: &StageContext<request>) -> StageResult<(u32, String)> {
    let kept: Option<String> = ctx.storage().of::<produce>().get("kept").await?;
    Ok((produced.0 + kept.map_or(0, |kept| u32::from(kept.starts_with("an artifact"))), produced.1))
}

#[check]
async fn arrived(ticket: &(u32, String)) -> StageResult<Check<u32>> {
    Ok(Check::Ready(ticket.0 + 1))
}

workflow! { order = produce >> request }

/// The calls of the ports, by number. Some of them are refused.
#[derive(Default)]
struct Refusals {
    calls: AtomicUsize,
    first: AtomicUsize,
    count: AtomicUsize,
    refused: AtomicUsize,
}

impl Refusals {
    /// Refuses `count` calls, after the next `after` ones.
    fn refuse(&self, after: usize, count: usize) {
        self.first.store(self.calls.load(Ordering::SeqCst) + after, Ordering::SeqCst);
        self.count.store(count, Ordering::SeqCst);
    }

    fn call(&self, name: &str) -> Result<(), Error> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        let first = self.first.load(Ordering::SeqCst);
        if (first..first.saturating_add(self.count.load(Ordering::SeqCst))).contains(&number) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Err(unavailable(name));
        }
        Ok(())
    }
}

#[async_trait]
impl Interceptor for Refusals {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        self.call(call.method).map(|()| 0)
    }
}

struct RefusingBlobs {
    blobs: InMemoryBlobStore,
    refusals: Arc<Refusals>,
}

#[async_trait]
impl BlobStore for RefusingBlobs {
    async fn put(&self, key: &BlobKey, value: &Json) -> Result<(), Error> {
        self.refusals.call("write a blob")?;
        self.blobs.put(key, value).await
    }

    async fn get(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        self.refusals.call("read a blob")?;
        self.blobs.get(key).await
    }

    async fn has(&self, key: &BlobKey) -> Result<bool, Error> {
        self.blobs.has(key).await
    }

    async fn delete(&self, key: &BlobKey) -> Result<(), Error> {
        self.blobs.delete(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<BlobKey>, Error> {
        self.blobs.list(prefix).await
    }
}

/// An engine without a worker, whose ports refuse calls.
struct Refusing {
    engine: Engine,
    refusals: Arc<Refusals>,
}

impl Refusing {
    async fn new(world: &World) -> Self {
        let refusals = Arc::new(Refusals::default());
        let store = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&refusals)));
        let blobs = RefusingBlobs { blobs: InMemoryBlobStore::new(), refusals: Arc::clone(&refusals) };
        let engine = EngineBuilder::with_store(store, Arc::new(world.clock.clone()))
            .register::<order>()
            .blob_store(blobs)
            .inline_limit(16)
            .lease(LEASE)
            .without_worker()
            .build()
            .await
            .unwrap();
        Self { engine, refusals }
    }

    async fn start(&self) -> RunHandle<order> {
        let run = self.engine.start::<order>(ProduceInput { number: 40 }).await.unwrap();
        let claim = ClaimPendingRuns { worker_id: "worker".into(), limit: 1, slots: 0 };
        self.engine.dispatch(claim).await.unwrap();
        run
    }

    /// Claims the next job past the interceptor, as soon as it is due.
    async fn claim(&self, world: &World) -> Option<ClaimedJob> {
        let definitions = [order::definition().fingerprint().to_owned()];
        let due = world.store.next_job_due(&definitions).await.unwrap()?;
        if let Ok(wait) = (due - world.clock.now()).to_std() {
            world.clock.advance(wait);
        }
        let claim = Claimant { worker_id: "worker".into(), lease: LEASE, number: None };
        world.store.claim_jobs(&claim, &definitions, 1).await.unwrap().pop()
    }

    /// Executes a job. Whenever the attempt waits, the clock advances to the end of its pause.
    async fn execute(&self, world: &World, job: &ClaimedJob) -> Result<JobOutcome, Error> {
        let mut executing = Box::pin(execute_job(self.engine.kernel(), job, "worker", 0));
        loop {
            tokio::select! {
                biased;
                executed = &mut executing => return Ok(executed?.outcome),
                () = tokio::task::yield_now() => {}
            }
            if let Some(wake) = world.clock.next_wake() {
                world.clock.advance((wake - world.clock.now()).to_std().unwrap_or_default());
            }
        }
    }
}

/// Refuses three calls at every point that the attempts of a run reach.
async fn a_port_that_refuses_for_a_moment_costs_no_attempt(world: World) {
    let ports = Refusing::new(&world).await;
    let mut points = 0;
    loop {
        let run = ports.start().await;
        ports.refusals.refuse(points, 3);
        ports.refusals.refused.store(0, Ordering::SeqCst);
        while let Some(job) = ports.claim(&world).await {
            let outcome = ports.execute(&world, &job).await;
            assert!(
                matches!(outcome, Ok(JobOutcome::Completed | JobOutcome::Suspended { .. })),
                "at point {points}: {outcome:?}"
            );
        }
        let refused = ports.refusals.refused.load(Ordering::SeqCst);
        ports.refusals.refuse(0, 0);
        assert_eq!(run.output().await.unwrap(), 42, "at point {points}");
        for stage in world.store.stages(run.id()).await.unwrap() {
            assert_eq!((stage.status, stage.attempt), (Status::Completed, 1), "at point {points}");
            assert_eq!(stage.error_message, None, "at point {points}");
        }
        let lines = world.store.logs(run.id(), 0, 10).await.unwrap();
        assert_eq!(lines.len(), 1, "at point {points}: {lines:?}");
        if refused == 0 {
            break;
        }
        points += 1;
    }
    assert!(points >= 10, "{points}");
}

/// Refuses every call from some point on, until the attempt has returned its job.
async fn a_port_that_stays_unavailable_hands_the_job_back_and_names_the_cause(world: World) {
    hands_back_after_a_long_outage(&world).await;
}

/// The span of a traced attempt reads from a port, before the body does.
async fn a_traced_attempt_waits_no_longer_for_a_port(world: World) {
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry());
    hands_back_after_a_long_outage(&world).await;
}

async fn hands_back_after_a_long_outage(world: &World) {
    let ports = Refusing::new(world).await;
    let run = ports.start().await;
    let job = ports.claim(world).await.unwrap();
    // The first call of the attempt reads the run's request.
    ports.refusals.refuse(0, usize::MAX);
    let began = world.clock.now();
    let mut executing = Box::pin(ports.execute(world, &job));
    let outcome = loop {
        tokio::select! {
            biased;
            outcome = &mut executing => break outcome,
            () = tokio::task::yield_now() => {}
        }
        if (world.clock.now() - began).to_std().unwrap() > OUTAGE {
            ports.refusals.refuse(0, 0);
        }
    };
    assert_eq!(outcome.unwrap(), JobOutcome::HandedBack);
    let stage = &world.store.stages(run.id()).await.unwrap()[0];
    assert_eq!((stage.status, stage.attempt), (Status::Pending, 0));
    assert_eq!(
        stage.error_message.as_deref(),
        Some("cannot request: a test injected this failure"),
        "the cause is in the run"
    );
    // The only attempt of the stage is still there.
    while let Some(job) = ports.claim(world).await {
        ports.execute(world, &job).await.unwrap();
    }
    assert_eq!(run.output().await.unwrap(), 42);
    assert_eq!(world.store.stages(run.id()).await.unwrap()[0].error_message, None);
}

/// An error that no waiting resolves fails the attempt by its own name.
async fn a_missing_blob_fails_the_run_by_name(world: World) {
    let refusals = Arc::new(Refusals::default());
    let blobs = InMemoryBlobStore::new();
    let engine = world
        .engine()
        .register::<order>()
        .blob_store(blobs.clone())
        .inline_limit(16)
        .without_worker()
        .build()
        .await
        .unwrap();
    let ports = Refusing { engine, refusals };
    let run = ports.start().await;
    let produce = ports.claim(&world).await.unwrap();
    ports.execute(&world, &produce).await.unwrap();
    for key in blobs.list("").await.unwrap() {
        blobs.delete(&key).await.unwrap();
    }
    // Another process has nothing in its cache.
    let engine = world.engine().register::<order>().blob_store(blobs).without_worker().build().await.unwrap();
    let ports = Refusing { engine, refusals: Arc::default() };
    let job = ports.claim(&world).await.unwrap();
    let outcome = ports.execute(&world, &job).await.unwrap();
    assert!(matches!(outcome, JobOutcome::Failed { retryable: false, .. }), "{outcome:?}");
    let error = run.record().await.unwrap().error.unwrap();
    assert_eq!(error.code, "BLOB_MISSING", "{}", error.message);
    assert!(error.message.starts_with("stage `request` failed after 1 attempt: "), "{}", error.message);
}

on_every_store!(
    a_port_that_refuses_for_a_moment_costs_no_attempt,
    a_port_that_stays_unavailable_hands_the_job_back_and_names_the_cause,
    a_traced_attempt_waits_no_longer_for_a_port,
    a_missing_blob_fails_the_run_by_name,
);
