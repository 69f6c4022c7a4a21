//! An outcome that arrives too late has no effect, not even in the process that it comes from.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{ClaimPendingRuns, JobOutcome, ReapStaleLeases};
use workflow_engine::prelude::*;
use workflow_engine::records::{Claimant, ClaimedJob};
use workflow_engine::testing::execute_job;
use workflow_engine::{EngineBuilder, Error};

const LEASE: Duration = Duration::from_secs(15);

/// Returns a different value in each attempt.
#[stage(retry(max_attempts = 3, initial = "1s"))]
async fn produce(number: u32, ctx: &StageContext) -> StageResult<u32> {
    Ok(number + ctx.attempt())
}

#[stage]
async fn consume(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { production = produce >> consume }

/// Runs a future between the body of an attempt and the commit of its outcome.
#[derive(Default)]
struct BeforeCommit(Mutex<Option<BoxFuture<'static, ()>>>);

#[async_trait]
impl Interceptor for BeforeCommit {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        let future = match call.method {
            "commit" => self.0.lock().expect("the lock is not poisoned").take(),
            _ => None,
        };
        if let Some(future) = future {
            future.await;
        }
        Ok(0)
    }
}

async fn claim(engine: &Engine) -> ClaimedJob {
    let kernel = engine.kernel();
    let claim = Claimant { worker_id: "worker".into(), lease: LEASE, number: None };
    let definitions = [production::definition().fingerprint().to_owned()];
    let mut jobs = kernel.store().claim_jobs(&claim, &definitions, 1).await.unwrap();
    jobs.pop().expect("a job is due")
}

async fn a_late_output_is_not_passed_on(world: World) {
    let before_commit = Arc::new(BeforeCommit::default());
    let store = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&before_commit)));
    let engine = EngineBuilder::with_store(store, Arc::new(world.clock.clone()))
        .register::<production>()
        .without_worker()
        .build()
        .await
        .unwrap();
    let run = engine.start::<production>(ProduceInput { number: 40 }).await.unwrap();
    let claimed =
        engine.dispatch(ClaimPendingRuns { worker_id: "worker".into(), limit: 1, slots: 1 }).await.unwrap();
    let late = claimed.claimed[0].jobs[0].clone();

    // The lease expires, and another attempt completes.
    world.clock.advance(LEASE * 2);
    engine.dispatch(ReapStaleLeases::default()).await.unwrap();
    let again = claim(&engine).await;
    let executed = execute_job(engine.kernel(), &again, "worker", 0).await.unwrap();
    assert_eq!(executed.outcome, JobOutcome::Completed);

    // The successor runs in this process while the first attempt finishes late.
    let next = claim(&engine).await;
    let kernel = Arc::clone(engine.kernel());
    let running: BoxFuture<'static, ()> = Box::pin(async move {
        let executed = execute_job(&kernel, &next, "worker", 0).await.unwrap();
        assert_eq!(executed.outcome, JobOutcome::Completed);
    });
    *before_commit.0.lock().unwrap() = Some(running);
    let executed = execute_job(engine.kernel(), &late, "worker", 0).await.unwrap();
    assert!(matches!(executed.outcome, JobOutcome::Superseded { .. }), "{:?}", executed.outcome);
    assert_eq!(run.output().await.unwrap(), 42, "the successor received the committed output");
}

on_every_store!(a_late_output_is_not_passed_on);
