//! Jobs that were deleted by hand, and how their runs go on: what no commit of the engine leaves behind.

use std::sync::Arc;
use std::time::Duration;

use workflow_engine::Cost;
use workflow_engine::kernel::{ExecuteJob, JobOutcome, ReapStuckRuns, ReapStuckRunsOutput, TransitionRun};
use workflow_engine::ledger::CallId;
use workflow_engine::ledger::CallReservation;
use workflow_engine::ports::{Change, Commit, Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::{CallStatus, CallType};
use workflow_engine::{EngineBuilder, RunId};

use crate::hands::{claim, commit, completion};

/// Orders the print; what it returns is the ticket.
#[stage(check = printed, poll_every = "1h")]
pub async fn print(number: u32) -> StageResult<u32> {
    Ok(number)
}

/// Looks for it.
#[check]
pub async fn printed(number: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Ready(*number))
}

/// Sends it.
#[stage]
pub async fn send(number: u32) -> StageResult<u32> {
    Ok(number + 1)
}

workflow! { pub printing = print >> send }

/// Loses the job of a stage that is queued, of one that runs and of one that waits; each time its run goes on, and no
/// lease of before counts for anything. `delete` deletes every job of the store.
pub async fn are_made_anew(store: Arc<dyn Store>, delete: impl AsyncFn()) {
    let engine = EngineBuilder::with_store(Arc::clone(&store), Arc::new(SystemClock));
    let engine = engine.register::<printing>().without_worker().build().await.expect("an engine");
    let run = engine.start::<printing>(PrintInput { number: 7 }).await.expect("a run");
    engine.dispatch(TransitionRun { run_id: run.id() }).await.expect("it starts");
    let repaired = async || {
        delete().await;
        let command = ReapStuckRuns { threshold: Duration::ZERO };
        let reaped = engine.dispatch(command).await.expect("the store is there");
        assert_eq!(reaped, ReapStuckRunsOutput { repaired: 1, failed: 0 });
        let reaped = engine.dispatch(command).await.expect("the store is there");
        assert_eq!(reaped, ReapStuckRunsOutput::default());
    };

    repaired().await;
    let lost = claim(&*store, run.id(), "print").await;
    assert!(matches!(commit(&*store, &lost, vec![call("print")]).await, Commit::Applied(_)));
    repaired().await;
    // Nobody can end the call of a lease that nobody holds.
    let calls = store.calls_of_run(run.id(), None, 9).await.expect("the store is there");
    assert_eq!(calls[0].outcome, CallStatus::Unknown);
    let snapshot = store.snapshot(run.id()).await.expect("the store is there").expect("the run exists");
    assert_eq!((snapshot.stages[0].status, snapshot.jobs[0].status), (Status::Pending, Status::Pending));
    let held = claim(&*store, run.id(), "print").await;
    assert!(held.lease.epoch > lost.lease.epoch + 1_000, "G4: no lease of before is met again");
    assert_eq!(commit(&*store, &lost, vec![completion("print", &666)]).await, Commit::PreconditionFailed);
    let hand_back = Change::ReturnJob { stage_id: "print".into() };
    assert!(matches!(commit(&*store, &held, vec![hand_back]).await, Commit::Applied(_)));

    let suspended = execute(&engine, run.id(), "print").await;
    assert!(matches!(suspended, JobOutcome::Suspended { .. }), "{suspended:?}");
    repaired().await;
    let run_now = store.run(run.id()).await.expect("the store is there").expect("the run exists");
    assert_eq!((run_now.active, run_now.suspended), (0, 1));
    // The check that was lost is due at once, and it is a check.
    assert_eq!(execute(&engine, run.id(), "print").await, JobOutcome::Completed);
    assert_eq!(execute(&engine, run.id(), "send").await, JobOutcome::Completed);
    assert_eq!(run.output().await.expect("its output"), 8);
    engine.shutdown().await;
}

/// A call of a model that is about to be made.
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
        stage_id: stage.into(),
        call_id: CallId::generate(),
        call: Box::new(call),
        budget: None,
    }
}

async fn execute(engine: &Engine, run_id: RunId, stage: &str) -> JobOutcome {
    let (worker_id, stage_id) = ("w".into(), stage.into());
    let command = ExecuteJob { worker_id, run_id, stage_id, idempotency_key: None };
    engine.dispatch(command).await.expect("the store is there").outcome
}
