//! Recovery of runs whose jobs were deleted from the database, a state that no commit of the engine leaves behind.

use std::sync::Arc;
use std::time::Duration;

use workflow_engine::Cost;
use workflow_engine::kernel::{ExecuteJob, JobOutcome, ReapStuckRuns, ReapStuckRunsOutput, TransitionRun};
use workflow_engine::ledger::{CallId, CallReservation};
use workflow_engine::ports::{Change, Commit, Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::{CallStatus, CallType};
use workflow_engine::{EngineBuilder, RunId};

use crate::manual_claims::{claim, commit, completion};

/// Submits the print job, and returns the ticket.
#[stage(check = printed, poll_every = "1h")]
pub async fn print(number: u32) -> StageResult<u32> {
    Ok(number)
}

/// Checks the print job.
#[check]
pub async fn printed(number: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Ready(*number))
}

/// Sends the print.
#[stage]
pub async fn send(number: u32) -> StageResult<u32> {
    Ok(number + 1)
}

workflow! { pub printing = print >> send }

/// Deletes the job of a queued stage, of a running one and of a waiting one, and asserts that the run continues each
/// time and that earlier leases are void. `delete` deletes every job of the store.
pub async fn are_recreated(store: Arc<dyn Store>, delete: impl AsyncFn()) {
    let engine = EngineBuilder::with_store(Arc::clone(&store), Arc::new(SystemClock));
    let engine = engine.register::<printing>().without_worker().build().await.expect("an engine");
    let run = engine.start::<printing>(PrintInput { number: 7 }).await.expect("a run");
    engine.dispatch(TransitionRun { run_id: run.id() }).await.expect("the run starts");
    let repaired = async || {
        delete().await;
        let command = ReapStuckRuns { threshold: Duration::ZERO };
        let reaped = engine.dispatch(command).await.expect("the store is available");
        assert_eq!(reaped, ReapStuckRunsOutput { repaired: 1, failed: 0 });
        let reaped = engine.dispatch(command).await.expect("the store is available");
        assert_eq!(reaped, ReapStuckRunsOutput::default());
    };

    repaired().await;
    let lost = claim(&*store, run.id(), "print").await;
    assert!(matches!(commit(&*store, &lost, vec![call("print")]).await, Commit::Applied(_)));
    repaired().await;
    // The call is unknown, because no worker holds its lease any more.
    let calls = store.calls_of_run(run.id(), None, 9).await.expect("the store is available");
    assert_eq!(calls[0].outcome, CallStatus::Unknown);
    let snapshot = store.snapshot(run.id()).await.expect("the store is available").expect("the run exists");
    assert_eq!((snapshot.stages[0].status, snapshot.jobs[0].status), (Status::Pending, Status::Pending));
    let held = claim(&*store, run.id(), "print").await;
    assert!(held.lease.epoch > lost.lease.epoch + 1_000, "G4: the epochs of earlier leases are not reused");
    assert_eq!(commit(&*store, &lost, vec![completion("print", &666)]).await, Commit::PreconditionFailed);
    let return_job = Change::ReturnJob { stage_key: "print".into(), reason: "the worker stops".into() };
    assert!(matches!(commit(&*store, &held, vec![return_job]).await, Commit::Applied(_)));

    let suspended = execute(&engine, run.id(), "print").await;
    assert!(matches!(suspended, JobOutcome::Suspended { .. }), "{suspended:?}");
    repaired().await;
    let run_now = store.run(run.id()).await.expect("the store is available").expect("the run exists");
    assert_eq!((run_now.active, run_now.suspended), (0, 1));
    // The new job of the lost check is a check, and is due immediately.
    assert_eq!(execute(&engine, run.id(), "print").await, JobOutcome::Completed);
    assert_eq!(execute(&engine, run.id(), "send").await, JobOutcome::Completed);
    assert_eq!(run.output().await.expect("its output"), 8);
    engine.shutdown().await;
}

/// Makes the reservation of an AI call.
fn call(stage: &str) -> Change {
    let call = CallReservation {
        topic: "lost".into(),
        call_type: CallType::Text,
        model_key: "model".into(),
        model_id: "model-1".into(),
        prompt: None,
        metadata: None,
        reserve: Cost::from_picodollars(1),
    };
    Change::ReserveCall {
        stage_key: stage.into(),
        call_id: CallId::generate(),
        call: Box::new(call),
        budget: None,
    }
}

async fn execute(engine: &Engine, run_id: RunId, stage: &str) -> JobOutcome {
    let (worker_id, stage_key) = ("w".into(), stage.into());
    let command = ExecuteJob { worker_id, run_id, stage_key, idempotency_key: None };
    engine.dispatch(command).await.expect("the store is available").outcome
}
