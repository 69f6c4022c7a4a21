//! Stages that execute a script.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tests::signal;
use tests::world::World;
use workflow_engine::Cost;
use workflow_engine::Error;
use workflow_engine::ledger::{CallOutcome, CallReservation, SettledCall};
use workflow_engine::prelude::*;
use workflow_engine::records::{AiCallRecord, CallStatus, CallType};

/// A step of a body. Costs are in picodollars.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) enum Step {
    /// A call that the provider serves.
    Call { reserve: i64, cost: i64 },
    /// A call that the provider refuses.
    Refused { reserve: i64 },
    /// A call that is never settled.
    Open { reserve: i64 },
    /// A call that may exceed the budget; the body then continues.
    Try { reserve: i64 },
    /// Sends `begun`, and waits for `go on`.
    Hold,
    /// Never returns.
    Hang,
    /// A retryable error.
    Error,
    /// A permanent error.
    Stop,
}

/// The steps of each attempt. Later attempts repeat the last entry.
pub(crate) type Script = Vec<Vec<Step>>;

pub(crate) fn reservation(ctx: &StageContext, reserve: i64) -> CallReservation {
    CallReservation {
        topic: format!("workflow.{}.stage.{}", ctx.run_id(), ctx.stage_id()),
        call_type: CallType::Text,
        model_key: "model".into(),
        model_id: "model-1".into(),
        prompt: Some("Why?".into()),
        metadata: None,
        reserve: Cost::from_picodollars(reserve),
    }
}

pub(crate) fn settled(cost: i64) -> CallOutcome {
    let cost = Cost::from_picodollars(cost);
    CallOutcome::Settled(SettledCall { input_tokens: 1, output_tokens: 2, cost, ..SettledCall::default() })
}

async fn step(ctx: &StageContext, step: Step) -> StageResult<()> {
    let calls = ctx.ledger();
    match step {
        Step::Call { reserve, cost } => {
            let id = calls.reserve(reservation(ctx, reserve)).await?;
            calls.settle(id, settled(cost)).await?;
        }
        Step::Refused { reserve } => {
            let id = calls.reserve(reservation(ctx, reserve)).await?;
            calls.settle(id, CallOutcome::Failed { error: "no such model".into() }).await?;
        }
        Step::Open { reserve } => drop(calls.reserve(reservation(ctx, reserve)).await?),
        Step::Try { reserve } => drop(calls.reserve(reservation(ctx, reserve)).await),
        Step::Hold => {
            signal::give(ctx.run_id(), "begun");
            signal::wait(ctx.run_id(), "go on").await;
        }
        Step::Hang => {
            signal::give(ctx.run_id(), "begun");
            std::future::pending::<()>().await;
        }
        Step::Error => return Err(StageError::retryable("the provider is unavailable")),
        Step::Stop => return Err(StageError::permanent("it makes no sense")),
    }
    Ok(())
}

pub(crate) async fn play(ctx: &StageContext, script: &Script) -> StageResult<u32> {
    let attempt = usize::try_from(ctx.attempt())?;
    for now in script.get(attempt - 1).or(script.last()).into_iter().flatten() {
        step(ctx, *now).await?;
    }
    Ok(ctx.attempt())
}

#[stage(retry(max_attempts = 3, initial = "1s"), timeout = "1h")]
pub(crate) async fn act(script: Script, ctx: &StageContext) -> StageResult<u32> {
    play(ctx, &script).await
}

workflow! { pub(crate) acting = act }

/// For tests that move the clock while a body runs.
pub(crate) const LONG: std::time::Duration = std::time::Duration::from_secs(1_000_000);

pub(crate) async fn worker(world: &World) -> Engine {
    world.engine().register::<acting>().lease(LONG).build().await.unwrap()
}

pub(crate) async fn start(engine: &Engine, script: Script) -> RunHandle<acting> {
    engine.start::<acting>(ActInput { script }).await.unwrap()
}

/// Advances the clock to the instant at which a job of `W` is due. If none is due, a worker is still busy.
pub(crate) async fn pass<W: Workflow>(world: &World) {
    let due = world.store.next_job_due(&[W::definition().fingerprint().to_owned()]).await.unwrap();
    let wait = due.and_then(|due| (due - world.clock_now()).to_std().ok());
    world.clock.advance(wait.unwrap_or_default());
    tokio::task::yield_now().await;
}

/// Advances time until the run is terminal.
pub(crate) async fn output<W: Workflow>(world: &World, run: &RunHandle<W>) -> Result<W::Output, Error> {
    while !run.status().await?.is_terminal() {
        pass::<W>(world).await;
    }
    run.output().await
}

/// The attempt, outcome, cost and reservation of each call.
pub(crate) async fn calls<W: Workflow>(run: &RunHandle<W>) -> Vec<(u32, CallStatus, i64, i64)> {
    let told = |call: AiCallRecord| {
        (call.attempt, call.outcome, call.cost.picodollars(), call.reserved.picodollars())
    };
    run.ai_calls().await.unwrap().into_iter().map(told).collect()
}

/// The cost and the reservation of the run. Checks that they are the sums over its calls, none of which is pending.
pub(crate) async fn costs<W: Workflow>(run: &RunHandle<W>) -> (i64, i64) {
    let costs = run.cost_summary().await.unwrap();
    let rows = calls(run).await;
    let sum = |of: fn(&(u32, CallStatus, i64, i64)) -> i64| rows.iter().map(of).sum::<i64>();
    assert_eq!(costs.cost.picodollars(), sum(|call| call.2));
    assert_eq!(costs.reserved.picodollars(), sum(|call| call.3));
    assert_eq!(costs.pending_calls, 0);
    let stages = run.stages().await.unwrap();
    assert_eq!(costs.cost, stages.iter().map(|stage| stage.spending.cost).sum::<Cost>());
    assert_eq!(costs.reserved, stages.iter().map(|stage| stage.spending.reserved).sum::<Cost>());
    (costs.cost.picodollars(), costs.reserved.picodollars())
}
