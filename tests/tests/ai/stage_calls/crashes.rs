//! Processes that die around calls, and responses of the store that are lost.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::{ExecuteJob, ReapStaleLeases, TransitionRun};
use workflow_engine::ledger::CallId;
use workflow_engine::prelude::*;
use workflow_engine::records::CallStatus;
use workflow_engine::{EngineBuilder, Error, RunId};

use super::script::{costs, reservation, settled};

/// The calls that each run has sent. They stay sent when the process dies.
static SENT: LazyLock<Mutex<HashMap<RunId, Vec<CallId>>>> = LazyLock::new(Mutex::default);

fn sent(run: RunId) -> Vec<CallId> {
    SENT.lock().unwrap().get(&run).cloned().unwrap_or_default()
}

const COST: i64 = 4;

/// Makes three calls.
#[stage(retry(max_attempts = 9, max_crashes = 9, initial = "1s"))]
async fn spend(calls: u32, ctx: &StageContext) -> StageResult<u32> {
    for _ in 0..calls {
        let id = ctx.ledger().reserve(reservation(ctx, 10)).await?;
        SENT.lock().map_err(StageError::retryable)?.entry(ctx.run_id()).or_default().push(id);
        ctx.ledger().settle(id, settled(COST)).await?;
    }
    Ok(ctx.attempt())
}

workflow! { spending = spend }

/// A process that dies at this commit, before or after it is written.
struct Dies {
    at: usize,
    before: bool,
    commits: AtomicUsize,
}

fn dead() -> Error {
    "this process is dead".parse::<RunId>().expect_err("it is none")
}

#[async_trait]
impl Interceptor for Dies {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        let writes = call.method.starts_with("commit");
        let number = self.commits.load(Ordering::SeqCst);
        if number > self.at || (writes && number == self.at && self.before) {
            self.commits.store(usize::MAX, Ordering::SeqCst);
            return Err(dead());
        }
        Ok(0)
    }

    async fn after(&self, call: Call, _: u64) -> Result<(), Error> {
        if call.method.starts_with("commit") && self.commits.fetch_add(1, Ordering::SeqCst) == self.at {
            return Err(dead());
        }
        Ok(())
    }
}

async fn execute(engine: &Engine, run_id: RunId) -> Result<(), Error> {
    let (worker_id, stage_key) = ("worker".into(), "spend".into());
    engine.dispatch(ExecuteJob { worker_id, run_id, stage_key, idempotency_key: None }).await.map(drop)
}

/// A process dies at each commit in turn, and another one takes over.
async fn wherever_a_process_dies_no_call_is_missing(world: World) {
    let alive = world.engine().register::<spending>().without_worker().build().await.unwrap();
    let mut deaths = 0;
    for (at, before) in (0..6).flat_map(|at| [(at, true), (at, false)]) {
        let run = alive.start::<spending>(SpendInput { calls: 3 }).await.unwrap();
        alive.dispatch(TransitionRun { run_id: run.id() }).await.unwrap();
        let dies = Arc::new(Dies { at, before, commits: AtomicUsize::new(0) });
        let store = Arc::new(Intercepted::new(Arc::clone(&world.store), dies));
        let dying = EngineBuilder::with_store(store, Arc::new(world.clock.clone()));
        let dying = dying.register::<spending>().without_worker().build().await.unwrap();
        deaths += usize::from(execute(&dying, run.id()).await.is_err());

        // Every sent call is in the ledger before another process recovers the job.
        let rows = run.ai_calls().await.unwrap();
        assert!(sent(run.id()).iter().all(|id| rows.iter().any(|call| call.id == *id)), "at {at}, {before}");
        while !run.status().await.unwrap().is_terminal() {
            world.clock.advance(Duration::from_secs(20));
            alive.dispatch(ReapStaleLeases::default()).await.unwrap();
            execute(&alive, run.id()).await.unwrap();
        }
        let (cost, reserved) = costs(&run).await;
        let rows = run.ai_calls().await.unwrap();
        let settled = rows.iter().filter(|call| call.outcome == CallStatus::Settled).count();
        let unknown = rows.iter().filter(|call| call.outcome == CallStatus::Unknown).count();
        assert_eq!(
            (cost, reserved),
            (i64::try_from(settled).unwrap() * COST, i64::try_from(unknown).unwrap() * 10)
        );
        let true_cost = i64::try_from(sent(run.id()).len()).unwrap() * COST;
        assert!(cost <= true_cost && true_cost <= cost + reserved, "at {at}, {before}: {cost}, {reserved}");
    }
    // The claim, three reservations and the outcome, each before and after. A death after the last commit is not an error
    // of the process, which had finished.
    assert!(deaths >= 9, "{deaths}");
}

/// A store that commits the first reservation, but whose response is lost.
struct LostResponse {
    reservations: AtomicUsize,
}

#[async_trait]
impl Interceptor for LostResponse {
    async fn commit(
        &self,
        store: &dyn workflow_engine::ports::Store,
        decision: workflow_engine::ports::Decision,
    ) -> Result<workflow_engine::ports::Commit, Error> {
        use workflow_engine::ports::Change;
        let reserves = decision.changes.iter().any(|change| matches!(change, Change::ReserveCall { .. }));
        let commit = store.commit(decision).await?;
        if reserves && self.reservations.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(dead());
        }
        Ok(commit)
    }
}

async fn a_call_that_was_not_sent_reserves_nothing(world: World) {
    let silent = Arc::new(LostResponse { reservations: AtomicUsize::new(0) });
    let store = Arc::new(Intercepted::new(Arc::clone(&world.store), silent));
    let engine = EngineBuilder::with_store(store, Arc::new(world.clock.clone()));
    let engine = engine.register::<spending>().build().await.unwrap();
    let run = engine.start::<spending>(SpendInput { calls: 1 }).await.unwrap();
    assert_eq!(super::script::output(&world, &run).await.unwrap(), 2);
    assert_eq!(costs(&run).await, (COST, 0));
    let rows = run.ai_calls().limit(9).await.unwrap();
    let told: Vec<_> = rows.iter().map(|call| (call.outcome, call.error_message.as_deref())).collect();
    assert_eq!(told, [(CallStatus::Failed, Some("it was not made")), (CallStatus::Settled, None)]);
    assert_eq!(sent(run.id()), [rows[1].id]);
}

on_every_store!(wherever_a_process_dies_no_call_is_missing, a_call_that_was_not_sent_reserves_nothing);
