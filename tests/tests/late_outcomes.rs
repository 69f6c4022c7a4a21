//! An outcome that comes too late is seen by nobody, not even in the process that it comes from.

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
use workflow_engine::testing::deliver;
use workflow_engine::{EngineBuilder, Error};

const LEASE: Duration = Duration::from_secs(15);

/// Delivers another value with each attempt.
#[stage(retry(max_attempts = 3, initial = "1s"))]
async fn produce(number: u32, ctx: &StageContext) -> StageResult<u32> {
    Ok(number + ctx.attempt())
}

#[stage]
async fn consume(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { handing_on = produce >> consume }

/// Lets something happen between the body of an attempt and the commit of its outcome.
#[derive(Default)]
struct BeforeCommit(Mutex<Option<BoxFuture<'static, ()>>>);

#[async_trait]
impl Interceptor for BeforeCommit {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        let waiting = match call.method {
            "commit" => self.0.lock().expect("nothing panics under this lock").take(),
            _ => None,
        };
        if let Some(waiting) = waiting {
            waiting.await;
        }
        Ok(0)
    }
}

async fn claim(engine: &Engine) -> ClaimedJob {
    let kernel = engine.kernel();
    let claim = Claimant { worker_id: "worker".into(), lease: LEASE };
    let definitions = [handing_on::definition().fingerprint().to_owned()];
    let mut jobs = kernel.store().claim_jobs(&claim, &definitions, 1).await.unwrap();
    jobs.pop().expect("a job is due")
}

async fn a_late_output_is_handed_to_nobody(world: World) {
    let before_commit = Arc::new(BeforeCommit::default());
    let store = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&before_commit)));
    let engine = EngineBuilder::with_store(store, Arc::new(world.clock.clone()))
        .register::<handing_on>()
        .without_worker()
        .build()
        .await
        .unwrap();
    let run = engine.start::<handing_on>(ProduceInput { number: 40 }).await.unwrap();
    let claimed =
        engine.dispatch(ClaimPendingRuns { worker_id: "worker".into(), limit: 1, slots: 1 }).await.unwrap();
    let late = claimed.claimed[0].jobs[0].clone();

    // Its lease runs out, and another attempt delivers.
    world.clock.advance(LEASE * 2);
    engine.dispatch(ReapStaleLeases::default()).await.unwrap();
    let again = claim(&engine).await;
    let delivery = deliver(engine.kernel(), &again, "worker", 0).await.unwrap();
    assert_eq!(delivery.outcome, JobOutcome::Completed);

    // What follows runs in this process just as the first attempt comes to its end after all.
    let next = claim(&engine).await;
    let kernel = Arc::clone(engine.kernel());
    let running: BoxFuture<'static, ()> = Box::pin(async move {
        let delivery = deliver(&kernel, &next, "worker", 0).await.unwrap();
        assert_eq!(delivery.outcome, JobOutcome::Completed);
    });
    *before_commit.0.lock().unwrap() = Some(running);
    let delivery = deliver(engine.kernel(), &late, "worker", 0).await.unwrap();
    assert!(matches!(delivery.outcome, JobOutcome::Superseded { .. }), "{:?}", delivery.outcome);
    assert_eq!(run.output().await.unwrap(), 42, "the committed output was handed on");
}

on_every_store!(a_late_output_is_handed_to_nobody);
